package redis

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// deadlines gives calls contexts that end. Calls that begin at about the same
// time share one: a context of its own costs a call a timer, a channel and a
// place among the children of its caller's. It is safe for concurrent use.
type deadlines struct {
	timeout time.Duration // how long a call has at most; it has a twentieth less at least

	latest atomic.Pointer[deadline]
	mu     sync.Mutex // of those who replace it
}

// deadline is the context of the calls that begin before a moment.
type deadline struct {
	context.Context
	cancel context.CancelFunc
	before time.Time
}

// of returns a context for a call that begins at a moment, which is not before
// the time of an earlier call by much.
func (d *deadlines) of(start time.Time) context.Context {
	if l := d.latest.Load(); l != nil && start.Before(l.before) {
		return l
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if l := d.latest.Load(); l != nil && start.Before(l.before) {
		return l
	}
	l := &deadline{before: start.Add(d.timeout / 20)}
	l.Context, l.cancel = context.WithDeadline(context.Background(), start.Add(d.timeout))
	d.latest.Store(l)
	return l
}

// close ends the latest context; those before it end by themselves.
func (d *deadlines) close() {
	if l := d.latest.Load(); l != nil {
		l.cancel()
	}
}
