// Package proxy is the data plane: it takes clients' requests through their
// life, and is the only place that joins credentials, models, prices, limits
// and connections.
//
// # A request's life
//
//	identify  the credential becomes a principal
//	resolve   the body is read once, the model found
//	price     input and output tokens are estimated
//	reserve   the price is charged, all limits or none
//	forward   the request is rebuilt and sent; with fewer stream options up to twice more
//	relay     the answer goes back as it arrives, metered and topped up
//	settle    what was charged is replaced by what was used, exactly once
//
// handler.go shows it. Package admission does what charges and settles. A step that fails
// returns an error, which the handler turns into the answer in one place.
//
// # Invariants
//
//   - A request that was admitted is settled exactly once, however it ends.
//   - After Drain no request starts; those that run are not touched.
//   - Under overrun "stop", what has been relayed of a metered stream never
//     exceeds what is charged for it.
//   - Nothing of a client reaches a model server but the body, less what is not
//     passed on, patched, and the header fields that are listed.
//   - What is held over all requests is bounded (package buffer); the slowest
//     clients are cut off when it is used up. A slow client slows its own answer
//     only.
//   - No prompt, completion or credential is logged.
package proxy
