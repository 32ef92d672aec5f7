package upstream

import (
	"math/bits"
	"sync"
	"sync/atomic"
	"time"
)

// BreakerState is whether requests go to a model server. The zero value is
// BreakerClosed. The numbers are those of the gauge that shows it.
type BreakerState uint32

// The states of a breaker.
const (
	BreakerClosed   BreakerState = iota // requests go there
	BreakerHalfOpen                     // one now and then does, to find out
	BreakerOpen                         // none does
)

// String returns the word for logs, such as "half-open".
func (s BreakerState) String() string { return [...]string{"closed", "half-open", "open"}[s] }

// BreakerOptions say when a breaker opens. The zero value is the defaults.
type BreakerOptions struct {
	// Failures among the last Outcomes open the breaker. Outcomes is at most 32,
	// 0 means DefaultOutcomes; Failures of 0 means DefaultFailures, and a negative
	// number that requests never open it: only a server that is away does.
	Failures, Outcomes int
	// Wait is how long it stays open before it is tried; 0 means DefaultWait.
	Wait time.Duration
}

// Defaults of [BreakerOptions].
const (
	DefaultFailures = 5
	DefaultOutcomes = 10
	DefaultWait     = 5 * time.Second
)

// outcomesMax is how many outcomes a breaker can remember.
const outcomesMax = 32

func (o BreakerOptions) withDefaults() BreakerOptions {
	o.Failures = orDefault(o.Failures, DefaultFailures)
	o.Outcomes = min(orDefault(o.Outcomes, DefaultOutcomes), outcomesMax)
	o.Wait = orDefault(o.Wait, DefaultWait)
	return o
}

// trialEvery is how long it is between two trials of a half-open breaker.
const trialEvery = time.Second

// breaker keeps requests from a model server that fails. It opens when too many
// of the last requests have failed, or when the server is away: no connection can
// be made, or it says itself that it is ill. In the first case it half-opens after
// a while and lets a request a second pass, of which the first that ends decides;
// in the second only a check that finds the server back closes it, because no
// request needs to be risked for that.
//
// An outcome counts in the state in which its request began: a stream that was
// begun before everything broke says nothing about now. Requests that are in
// flight are therefore told apart by the epoch, the number of changes so far.
//
// It is closed at first, and safe for concurrent use.
type breaker struct {
	options BreakerOptions // with defaults

	state   atomic.Uint32 // a BreakerState; like all below written under the lock
	epoch   atomic.Uint32
	history atomic.Uint32 // the last outcomes of the closed state, the newest lowest; 1: a failure

	mu   sync.Mutex
	away bool
	next time.Time // open: when it half-opens; half-open: when the next trial may begin
}

// current returns the state.
func (b *breaker) current() BreakerState { return BreakerState(b.state.Load()) }

// passable reports whether a request could pass at the time now.
func (b *breaker) passable(now time.Time) bool {
	if b.current() == BreakerClosed {
		return true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.current() == BreakerClosed || !b.away && !now.Before(b.next)
}

// pass reports whether a request may pass at the time now, and takes the turn of
// the next trial if that is what it is; changed tells that the state is a new one.
func (b *breaker) pass(now time.Time) (ok, changed bool) {
	if b.current() == BreakerClosed {
		return true, false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.current() == BreakerClosed:
		return true, false
	case b.away || now.Before(b.next):
		return false, false
	}
	changed = b.current() == BreakerOpen
	if changed {
		b.enter(BreakerHalfOpen)
	}
	b.next = now.Add(trialEvery)
	return true, changed
}

// content reports whether a request that has gone well changes nothing, which is
// the rule, so that it need not be recorded.
func (b *breaker) content() bool { return b.history.Load() == 0 && b.current() == BreakerClosed }

// record notes how a request has ended that began in the given epoch, and
// reports whether the state is a new one.
func (b *breaker) record(now time.Time, epoch uint32, failed bool) (changed bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if epoch != b.epoch.Load() {
		return false
	}
	switch b.current() {
	case BreakerClosed:
		return b.remember(now, failed)
	case BreakerHalfOpen:
		if failed {
			b.open(now)
		} else {
			b.enter(BreakerClosed)
		}
		return true
	}
	return false
}

// remember adds an outcome to the history, and opens where there are too many
// failures in it.
func (b *breaker) remember(now time.Time, failed bool) (changed bool) {
	h := b.history.Load() << 1 & (1<<b.options.Outcomes - 1)
	if failed {
		h |= 1
	}
	b.history.Store(h)
	if b.options.Failures < 0 || bits.OnesCount32(h) < b.options.Failures {
		return false
	}
	b.open(now)
	return true
}

// found notes whether the server was there when somebody looked, and reports
// whether that is news.
func (b *breaker) found(now time.Time, there bool) (news bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.away != there {
		return false
	}
	b.away = !there
	if there {
		b.enter(BreakerClosed)
	} else {
		b.open(now)
	}
	return true
}

// isAway reports whether the server was not there when somebody last looked.
func (b *breaker) isAway() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.away
}

// open opens the breaker. The caller holds the lock, as it does for enter.
func (b *breaker) open(now time.Time) {
	b.enter(BreakerOpen)
	b.next = now.Add(b.options.Wait)
}

func (b *breaker) enter(s BreakerState) {
	b.state.Store(uint32(s))
	b.epoch.Add(1)
	b.history.Store(0)
}
