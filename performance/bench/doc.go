// Command bench measures what the gateway costs, as a ratio to Go's own
// httputil.ReverseProxy that does nothing but forward.
//
// Every contender is a process of its own on a free loopback port and stands
// before the same model server, which lives in this process together with the
// load generator. CPU time is read from the operating system (user and
// system, in nanoseconds), so it covers the contender and nothing else. The
// contenders take turns, round after round; every ratio is formed within one
// round, and the median over the rounds is reported with the smallest and the
// largest, so that a machine that is busy for a while moves both sides of a
// ratio. A second ReverseProxy, the control, shows what the method itself
// gets wrong: its ratio ought to be 1.00.
//
// The command is not a load test of a deployment, and its requests per second
// are informative only: load generator, model server, stores and contender
// share the machine. Closed-loop load hides queueing; latencies compare
// contenders and promise nothing.
//
// # Invariants
//
//   - A contender that does not do its work is not reported as fast: before
//     anything is measured a probe checks that answers are whole, that the
//     gateway limits (it says so in headers), meters streams and strips what
//     it asked for, and that the Redis store is really used. Any answer other
//     than 200 fails the line.
//   - What cannot be measured here (no redis-server, no nginx, no such
//     benchmark) is shown as skipped, with the reason.
//   - Load is bounded by time or count, connections by a fixed number, and
//     every process that was started is ended.
//
// # Concurrency
//
// A scenario runs in one goroutine; load, streams and the model server use a
// goroutine per connection and end with the value that started them.
package main
