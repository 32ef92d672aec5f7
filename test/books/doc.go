// Package books proves that the gateway's books are right: what it charges is
// what the model server has spent, however a request ends.
//
// Each store takes 2,000 requests of a seeded plan, from 32 clients at once and
// for six users: JSON answers and streams of four endpoints, with one choice or
// three, one prompt or two, events cut at odd bytes; and of these, requests
// whose client leaves before the first byte, within a stream or within a JSON
// answer, answers that the model server breaks off, answers without usage,
// refusals (4xx), failures (5xx), and connections that close before a byte. A
// limit of running requests denies some of them, which come again.
//
// The judge is the ledger of the stand-in model server, which books what was
// really spent. Nothing is judged by what the gateway believes. After the last
// request, with everything settled:
//
//   - A complete answer is charged exactly what the ledger says, once, also
//     where the first attempt met a closed connection.
//   - A stream that ends early is charged never less than what has reached the
//     client. Where the model server tells usage on every event, the charge
//     lies between that and the ledger, and is the ledger's exactly where
//     nothing was generated unseen.
//   - An abandoned JSON answer is charged the price of its input and what the
//     model server generates in the time, within 20 % of the ledger in the mean.
//     The price is an upper estimate: nine of ten are not below the input, none
//     by more than a tenth of it, and where the model server counts inputs each
//     is exact.
//   - An answer without usage is charged an estimate, and said to be.
//   - A refusal costs one request and no tokens; a failure, and a denial, cost
//     nothing.
//   - The accounts, the log lines and the metrics agree to the token. Nothing
//     is reserved, nothing negative, no running slot held.
//
// It is not about what the limits admit; the limits here are wide.
package books
