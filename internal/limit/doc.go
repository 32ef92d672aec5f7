// Package limit is the core: what a limit is, how windows roll, what is
// admitted, charged, topped up and given back.
//
// It is responsible for the arithmetic of accounts and decisions and for the
// Store interface of those who use a store. It is not responsible for keeping
// accounts (a store does), for estimating prices (package usage) or for
// telling anybody about a decision (the edges turn it into headers, metrics
// and log lines). It neither logs nor counts, starts no goroutine, does no I/O
// and reads no clock: time is an argument, in the store's own time.
//
// # Invariants
//
//   - Rolling bound: after every reservation, and every top-up that is not
//     debt, the charges of every rolling window are within the admissible
//     maximum. A ring of a window of B slots keeps B+1 of them: with B, a
//     charge could leave up to one slot too early. Checked by the timelines
//     and properties in this package and, for every store, by limittest.
//   - Conservation: settling replaces exactly what was charged by what was
//     used. What has slid out of a window is neither refunded nor charged
//     again, and a limit that came later than a charge refunds nothing of it.
//   - A grant has no more charges than there are slots that still count: charges that
//     will give back alike for ever are one.
//   - Silent denial: a denied reservation changes no counter.
//   - No counter is ever negative; a refund that finds less than it should
//     give back is reported as Missing, not hidden.
//
// # Concurrency
//
// Policies are immutable and safe for concurrent use. Accounts, Decisions and
// Grants are plain values: their owner serialises access. Stores are safe for
// concurrent use.
package limit
