// Package streams proves, with tests only, what the gateway promises of answers
// on their way: each test sends requests through a whole gateway to a stand-in
// model server, and judges what arrives, what is charged and what the ledger of
// the model server says.
//
//   - Transparency: a client gets byte for byte what it would have got from the
//     model server, whatever the gateway asks for beside it (usage_test.go).
//   - Flow: every event is passed on before the next one is generated, and a
//     client's leaving reaches the model server at once (flush_test.go,
//     cancel_test.go).
//   - Slow clients cost bounded memory, delay nobody, and are cut off
//     (slow_test.go).
//   - Debt equals token_overrun_total, is bounded, and closes admission exactly
//     as long as it lasts (debt_test.go).
//   - Backing: under overrun "stop" what has been relayed never exceeds what has
//     been charged (backing_test.go), and the stop is a proper end of every
//     format (finish_test.go).
//   - Model servers that reject, ignore, fail, break off or stall (quirk_test.go).
//   - Concurrency: the model server never sees more requests than may run
//     (concurrency_test.go).
//   - The metrics of streams (metric_test.go).
//
// Time of the limits stands still unless a test moves it; nothing waits by
// sleeping. The package has no code of its own.
package streams
