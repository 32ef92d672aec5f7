// Package reload proves that limits can change under load: ten times a second,
// in the middle of streams, on each store.
//
// The configurations that follow each other differ in everything that may
// change: a limit so narrow that answers are stopped at it, limits that are
// wide, meters and windows that come and go, prices, and a model with a model
// server of its own that is there every other time. Meanwhile clients send
// streams and JSON answers, of users who come once and of users who stay.
//
// The judge is the ledger of the stand-in model server:
//
//   - No request fails. It is answered; or denied under a narrow limit; or told
//     that its model is not served, which is true half of the time.
//   - Each is treated by the limits that it was admitted under, which its header
//     fields tell, whatever has come since: it is stopped at the narrow limit, or
//     comes to its end.
//   - Each is charged what the ledger says; one that is stopped no less than what
//     it got and no more than its limit.
//   - The accounts hold the sum of the charges, of each user and of the model.
//     Nothing is reserved and no request running in the end, and further reloads
//     change none of it.
//
// RELOAD_FOR=1m makes it a minute; otherwise it is some seconds.
package reload
