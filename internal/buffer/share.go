package buffer

import (
	"sync/atomic"
	"time"
)

// Client is whoever is at the other end of what holds bytes.
type Client interface {
	// CutOff ends the connection to it, so that who reads from it or writes to it is told at once.
	// It does not wait, and is called by any goroutine, between Begin and End of its share.
	CutOff()
}

// Share is what one holds of a [Budget]. It belongs to one goroutine. The zero value
// is one of no budget, which everything fits into, until it Begins.
type Share struct {
	budget  *Budget
	client  Client
	covered int64 // as the owner knows

	held   atomic.Int64 // of the budget; none of a share that was cut off
	since  atomic.Int64 // when the waiting for the client began, as of ticks; 0: nobody waits
	wasCut atomic.Bool

	order int64 // guarded by the budget's lock
}

// Begin makes the share one of a budget, for a client, without a byte. End ends it.
func (s *Share) Begin(b *Budget, c Client) {
	s.budget, s.client, s.covered = b, c, 0
	s.wasCut.Store(false)
	b.mu.Lock()
	b.shares[s] = struct{}{}
	b.mu.Unlock()
}

// End gives everything back. After it nobody calls CutOff of the client.
func (s *Share) End() {
	b := s.budget
	b.mu.Lock()
	delete(b.shares, s)
	b.mu.Unlock()
	s.since.Store(0)
	b.used.Add(-s.held.Swap(0))
	s.budget, s.client, s.covered = nil, nil, 0
}

// Cover makes the share one of n bytes at the least, and reports whether there is room for that.
// Where there is not, it stays as it was. It never is for a share that was cut off.
func (s *Share) Cover(n int64) bool { return s.cover(n, false) }

// CoverBody is Cover for the body of a request. Those that make the share larger than
// 256 KiB have to leave a quarter of the budget to others.
func (s *Share) CoverBody(n int64) bool { return s.cover(n, n > smallBytes) }

func (s *Share) cover(n int64, body bool) bool {
	if n <= s.covered || s.budget == nil {
		return !s.WasCut()
	}
	most := s.budget.most
	if body {
		most = s.budget.bodies
	}
	n = (n + blockBytes - 1) &^ (blockBytes - 1)
	if s.WasCut() || !s.budget.take(n-s.covered, most) {
		return false
	}
	s.held.Add(n - s.covered)
	s.covered = n
	return true
}

// Shrink gives back what the share has beyond n bytes.
func (s *Share) Shrink(n int64) {
	n = (n + blockBytes - 1) &^ (blockBytes - 1)
	less := s.covered - n
	if less <= 0 {
		return
	}
	s.covered = n
	for {
		held := s.held.Load()
		back := min(less, held) // of a share that was cut off, all is given back already
		if s.held.CompareAndSwap(held, held-back) {
			s.budget.used.Add(-back)
			return
		}
	}
}

// Wait says that the client is being waited for, and has been since then.
func (s *Share) Wait(since time.Time) { s.since.Store(ticks(since)) }

// Resume says that it is not waited for any more.
func (s *Share) Resume() { s.since.Store(0) }

// WasCut reports whether the client was cut off, and what the share had given back.
func (s *Share) WasCut() bool { return s.wasCut.Load() }

// cutOff cuts the client off, and gives back what is held for it, which it returns.
// The caller holds the budget's lock.
func (s *Share) cutOff() int64 {
	s.wasCut.Store(true)
	s.client.CutOff()
	n := s.held.Swap(0)
	s.budget.used.Add(-n)
	return n
}

// waitedFor returns how long the client has been waited for; 0 where it is not, or
// nothing is held for it.
func (s *Share) waitedFor(now time.Time) time.Duration {
	since := s.since.Load()
	if since == 0 || s.held.Load() == 0 || s.WasCut() {
		return 0
	}
	return time.Duration(ticks(now) - since)
}

// epoch is where ticks begin. They follow the monotonic clock.
var epoch = time.Now()

// ticks returns a time in nanoseconds since the process began, and is not 0.
func ticks(t time.Time) int64 { return int64(t.Sub(epoch)) | 1 }
