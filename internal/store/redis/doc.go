// Package redis keeps accounts and running slots in Redis (6.0 or later, or
// Valkey), for any number of gateway replicas. It is strict: every decision is
// one script, in one round trip but for a denial that is asked again.
//
// It is responsible for making decisions atomic over all replicas, for
// settling exactly once over a connection that may lose or delay anything, and
// for telling quickly that Redis cannot be asked. It is not responsible for
// what to do then (the proxy decides), nor for the meaning of limits: it
// decides as package limit does, and limittest holds it to that.
//
// # Keys
//
// key.go has them all, account.lua and replica.lua the fields of their hashes. All that one
// decision touches has one hash tag, and so lies in one slot of a Redis Cluster. All keys
// expire.
//
// # Invariants
//
//   - A decision is one script, so it is all or nothing. A denial changes no
//     counter.
//   - Settlements and cancellations of a replica and model are one outbox of
//     numbered batches, which follow each other without waiting. A batch is sent
//     until it is acknowledged, applied once however often it arrives, and never
//     before the one that it follows. A replica never uses a number twice, also
//     where a model is forgotten and returns.
//   - A decision is made behind what the store has been told to settle before and
//     that could change it, in the same round trip; a denial behind which anything that
//     matters is left is asked again.
//   - No script runs on a connection on which its commands were not tried.
//   - A charge whose answer was lost is cancelled in that outbox: undone where
//     it was made, refused where it comes later.
//   - What a replica runs counts while its lease lasts (10 s, renewed every 3),
//     and again when it returns. Leases are measured on a clock of their own, which
//     neither a step nor a standstill of the server moves far.
//   - Records and what accounts say is held are of one enrolment of a replica: they are
//     void together, and written again together.
//   - State is O(accounts in use + replicas + running requests), and no script walks more
//     than a batch of charges, however long a request runs.
//   - Time is the server's. Nothing is decided by the clock of a replica.
//
// # Concurrency
//
// A Store is safe for concurrent use. It has one goroutine for the gate, one
// for heartbeats, and one per model for the settlements; Close ends them all, and
// Forget those of models that are served no more.
package redis
