package http1

import (
	"context"
	"sync"
	"sync/atomic"
)

// requestContext is the context of a request: it ends when the client has left, or the handler
// has returned. Where nobody asks what it can tell it costs nothing, and to be called
// at its end (see [context.AfterFunc]) costs a tenth of what context's own takes: every
// request upstream is watched in this way.
//
// The zero value with a Context has begun. Its methods may be called concurrently.
type requestContext struct {
	context.Context // of all requests: it has their values, and no end and no deadline

	ended atomic.Bool
	mu    sync.Mutex
	done  chan struct{} // nil: nobody has asked for it
	calls []call        // at the end
	last  int           // number of a call
	room  [1]call       // for calls, of which there is seldom more than one
}

// call is what is called at the end of a request's context.
type call struct {
	number int
	f      func()
}

// end ends it. It may be called more than once.
func (x *requestContext) end() {
	x.mu.Lock()
	if x.ended.Swap(true) {
		x.mu.Unlock()
		return
	}
	if x.done != nil {
		close(x.done)
	}
	calls := x.calls
	x.calls = nil
	x.mu.Unlock()
	for i := range calls {
		go calls[i].f()
	}
}

// Done implements [context.Context].
func (x *requestContext) Done() <-chan struct{} {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.done == nil {
		x.done = make(chan struct{})
		if x.ended.Load() {
			close(x.done)
		}
	}
	return x.done
}

// Err implements [context.Context].
func (x *requestContext) Err() error {
	if x.ended.Load() {
		return context.Canceled
	}
	return nil
}

// AfterFunc calls f in a goroutine of its own at the end, at once if that has come,
// unless stop is called before. stop reports whether it was. Package context makes
// use of it.
func (x *requestContext) AfterFunc(f func()) (stop func() bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.ended.Load() {
		go f()
		return func() bool { return false }
	}
	if x.calls == nil {
		x.calls = x.room[:0]
	}
	x.last++
	number := x.last
	x.calls = append(x.calls, call{number, f})
	return func() bool { return x.stop(number) }
}

// stop takes back the call with that number, and reports whether it was still to be
// made.
func (x *requestContext) stop(number int) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	for i := range x.calls {
		if x.calls[i].number == number {
			n := len(x.calls) - 1
			x.calls[i], x.calls[n] = x.calls[n], call{}
			x.calls = x.calls[:n]
			return true
		}
	}
	return false
}
