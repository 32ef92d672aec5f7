// Package memory keeps accounts in the memory of one process. It is the store
// of a gateway that runs alone, and loses what it knows when the process ends.
//
// It is responsible for making decisions atomic and for bounding how many
// accounts there are; the arithmetic is package limit's.
//
// # Invariants
//
//   - All that one decision touches belongs to one model and is guarded by
//     that model's lock, so a decision is all or nothing. The lock is held for
//     some hundred nanoseconds, and for nothing that waits.
//   - An account is forgotten only when nothing in its windows counts any more
//     and no request of its user is running: forgetting a live one would be
//     free quota. One that only tells what was used, for no window limits its
//     user, makes room before that where nothing else does.
//   - The accounts of a model outlive it: if it returns while they count, they are
//     as they were. Forget drops those of models that nobody serves once they
//     are idle.
//   - There are never more than MaxAccounts accounts of users. A user who comes
//     then takes the place of an idle one, whichever model that is of; where none
//     is idle, users of a model share one overflow account, with the limits of one
//     user.
//   - Nobody holds the locks of two models.
//   - Time is the monotonic clock's, so a step of the wall clock moves nothing.
//
// A decision and a settlement allocate nothing once the account exists.
package memory
