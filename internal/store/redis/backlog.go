package redis

import (
	"context"
	"errors"
	"sync/atomic"
)

// backlogMax is how many calls may wait for their answers at once. The client's queue
// has room for 1,024, and whoever comes when it is full waits there whatever its
// deadline; the rest is for probes, and for the client's own.
const backlogMax = 1000

// backlog bounds the calls that wait for their answers.
type backlog struct {
	calls chan struct{} // a value for each of them
	// abandoned is how many of these nobody waits for any more. They are in the queue until
	// the server answers what came later, or the connection ends.
	abandoned atomic.Int64
}

func newBacklog() *backlog { return &backlog{calls: make(chan struct{}, backlogMax)} }

// enter adds a call, and reports whether there was room for it before ctx ended.
func (b *backlog) enter(ctx context.Context) bool {
	select {
	case b.calls <- struct{}{}:
		return true
	default:
	}
	select { // of both, either is taken
	case b.calls <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

// leave takes a call out that ended with err, once it has left the queue.
func (b *backlog) leave(err error) {
	b.abandoned.Add(1)
	if !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, context.Canceled) {
		b.clear()
	}
}

// clear takes the calls out that were abandoned: the server has answered, or the connection
// has ended.
func (b *backlog) clear() {
	for range b.abandoned.Swap(0) {
		<-b.calls
	}
}
