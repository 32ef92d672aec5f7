package redis

import (
	"sync"
	"sync/atomic"
	"time"
)

// failuresToClose is how many calls must fail in a row before calls are no
// longer sent. Calls that were under way together are one: a moment in which the
// server does not answer meets them all.
const failuresToClose = 3

// gate lets calls through while the server answers. It closes after a few
// failures in a row, and then only a probe opens it again.
type gate struct {
	shut     atomic.Bool // changed under mu
	failures atomic.Int32

	mu     sync.Mutex
	missed time.Time     // when the last failure that counts was noted
	opened chan struct{} // closed when the gate opens
	closed chan struct{} // has a value when the gate has closed
}

// newGate returns a gate that is closed.
func newGate() *gate {
	g := &gate{closed: make(chan struct{}, 1)}
	g.close()
	return g
}

func (g *gate) isOpen() bool { return !g.shut.Load() }

// succeeded notes that a call was answered as it should.
func (g *gate) succeeded() {
	if g.failures.Load() != 0 {
		g.failures.Store(0)
	}
}

// failed notes that a call which began at a time was not answered.
func (g *gate) failed(begun time.Time) {
	g.mu.Lock()
	again := begun.Before(g.missed)
	if !again {
		g.missed = time.Now()
	}
	g.mu.Unlock()
	if !again && g.failures.Add(1) >= failuresToClose {
		g.close()
	}
}

// close stops calls at once.
func (g *gate) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.shut.Swap(true) {
		return
	}
	g.opened = make(chan struct{})
	g.closed <- struct{}{}
}

// open lets calls through again.
func (g *gate) open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.isOpen() {
		return
	}
	g.failures.Store(0)
	g.shut.Store(false)
	close(g.opened)
}

// opening returns a channel that is closed once the gate is open.
func (g *gate) opening() <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.opened
}
