package redis

import (
	"context"
	"errors"
	"sync/atomic"
)

// placesMost is how many calls may wait for their answers at once. The client's queue
// has room for 1,024, and whoever comes when it is full waits there whatever its
// deadline; the rest is for probes, and for the client's own.
const placesMost = 1000

// places bounds the calls that wait for their answers.
type places struct {
	taken chan struct{} // a value for each place that is taken
	// abandoned is how many of these are of calls that nobody waits for any more. They
	// are in the queue until the server answers what came later, or the connection ends.
	abandoned atomic.Int64
}

func newPlaces() *places { return &places{taken: make(chan struct{}, placesMost)} }

// take takes a place, and reports whether there was one before ctx ended.
func (p *places) take(ctx context.Context) bool {
	select {
	case p.taken <- struct{}{}:
		return true
	default:
	}
	select { // of both, either is taken
	case p.taken <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

// leave gives the place back of a call that ended with err, once the call has left the
// queue.
func (p *places) leave(err error) {
	p.abandoned.Add(1)
	if !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, context.Canceled) {
		p.clear()
	}
}

// clear gives back the places of calls that were abandoned: the server has answered, or
// the connection has ended.
func (p *places) clear() {
	for range p.abandoned.Swap(0) {
		<-p.taken
	}
}
