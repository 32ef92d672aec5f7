package httpclient

import (
	"slices"
	"sync"
	"time"
)

// kept holds the unused connections, the most recently used on top: under a falling load those at
// the bottom grow old and are closed. A timer runs only while there are any, so that a server that
// closed its end does not leave sockets in CLOSE_WAIT here.
type kept struct {
	max     int
	timeout time.Duration

	mu     sync.Mutex
	idle   []*conn     // oldest first
	timer  *time.Timer // of the next sweep; nil: none is due
	closed bool
}

// take removes the most recently used connection, or returns nil. Connections
// that have been unused for too long by now are closed.
func (p *kept) take(now time.Time) *conn {
	p.mu.Lock()
	top := len(p.idle) - 1
	if top < 0 {
		p.mu.Unlock()
		return nil
	}
	c := p.idle[top]
	if now.Sub(c.idleSince) < p.timeout {
		p.idle[top] = nil
		p.idle = p.idle[:top]
		p.mu.Unlock()
		return c
	}
	stale := p.detach()
	p.mu.Unlock()
	closeAll(stale)
	return nil
}

// put keeps c for the next request, or closes it if there are enough.
func (p *kept) put(c *conn, now time.Time) {
	c.idleSince = now
	p.mu.Lock()
	keep := !p.closed && len(p.idle) < p.max
	if keep {
		p.idle = append(p.idle, c)
		p.schedule(now)
	}
	p.mu.Unlock()
	if !keep {
		c.kill()
	}
}

// schedule sets the timer for when the oldest connection is due, but not for
// every one of a row of neighbours. It is called under the lock.
func (p *kept) schedule(now time.Time) {
	if p.timer == nil && len(p.idle) > 0 {
		p.timer = time.AfterFunc(max(p.timeout-now.Sub(p.idle[0].idleSince), p.timeout/8), p.sweep)
	}
}

// sweep closes what has been unused for too long.
func (p *kept) sweep() {
	now := time.Now()
	p.mu.Lock()
	n := 0
	for n < len(p.idle) && now.Sub(p.idle[n].idleSince) >= p.timeout {
		n++
	}
	stale := slices.Clone(p.idle[:n])
	p.idle = slices.Delete(p.idle, 0, n)
	p.timer = nil
	p.schedule(now)
	p.mu.Unlock()
	closeAll(stale)
}

// detach empties it, under the lock. What it returns is to be closed.
func (p *kept) detach() []*conn {
	all := p.idle
	p.idle = nil
	if p.timer != nil && p.timer.Stop() {
		p.timer = nil
	}
	return all
}

// close closes all, and for good also those that are put from now on.
func (p *kept) close(forGood bool) {
	p.mu.Lock()
	p.closed = p.closed || forGood
	all := p.detach()
	p.mu.Unlock()
	closeAll(all)
}

func (p *kept) isShut() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.closed
}

func closeAll(conns []*conn) {
	for _, c := range conns {
		c.kill()
	}
}
