// Package upstream knows model servers: a [Server] how one of them does, a [Pool] which of
// a model's is the best to ask. It speaks with each through a [Client], and knows nothing
// of connections.
//
// The package decides nothing about limits, and knows of a model the name that servers have
// for it. It decides which server is asked: the least busy one that is not away, does not
// say that it lacks the model, and is not shut by the model's breaker there (watch.go,
// list.go, breaker.go, caller.go). It asks again only where nothing was generated that
// anybody could still get: see [Pool.Do].
//
// Invariants, each with a test:
//
//   - A request reaches no more servers that die of it than [Pool.Do] says.
//   - A server is judged once by each request, at the end of its answer, and counts it as
//     running until then.
//
// A [Server] may be used by any number of goroutines. A [Response] belongs to
// one, except that [Body.Close] may be called by another.
package upstream
