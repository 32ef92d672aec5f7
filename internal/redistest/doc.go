// Package redistest runs real Redis servers for tests: each on a free port of
// the loopback interface, in a directory of its own, without persistence, and
// gone when the test ends.
//
// It is responsible for starting servers and for making them fail as servers
// do: killed, stopped for a while, restarted empty, far away, with few rights. It knows
// nothing of what is kept in them. A missing redis-server fails the test and says how to get
// one; it does not skip, for what a skipped test would have found goes live.
//
// A Server is safe for concurrent use, but for Restart and Kill.
package redistest
