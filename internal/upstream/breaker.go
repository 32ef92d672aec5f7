package upstream

import (
	"cmp"
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
	// Failures among the last Outcomes of an only caller open the breaker; where there are several,
	// as large a share of the requests of at least half of them, and as many failures in all.
	// Outcomes is at most 32, 0 means DefaultOutcomes; Failures of 0 means DefaultFailures, and a
	// negative number that requests never open it: only a server that is away does.
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
	o.Failures = cmp.Or(o.Failures, DefaultFailures)
	o.Outcomes = min(cmp.Or(o.Outcomes, DefaultOutcomes), outcomesMax)
	o.Wait = cmp.Or(o.Wait, DefaultWait)
	return o
}

// trialEvery is how long it is between two trials of a half-open breaker.
const trialEvery = time.Second

// trialsMax bounds the trials that callers make at once who would be refused otherwise.
const trialsMax = 32

// breaker keeps requests from a model server that fails. It opens when the server
// is away: no connection can be made, or it says itself that it is ill. It also
// opens when the server says that it is well, but the requests of at least half of
// its callers fail, and of more than one of them unless there is one only: a caller
// whose own requests are what makes it fail does not take it from the others.
//
// Where the server was away, only a check that finds it back closes the breaker, because no request
// needs to be risked for that. Otherwise it half-opens after a while and lets a request a second
// pass, of which the first that goes well closes it. The while is for those whose requests have
// failed. Others find out for themselves: they take the turns that those must not, and where there
// is no other server for them they need no turn.
//
// A server has one for each model that it serves: that every request of one fails says
// nothing about another. That the server is away is said to all.
//
// An outcome counts in the state in which its request began: a stream that was
// begun before everything broke says nothing about now. Requests that are in
// flight are therefore told apart by the epoch, the number of changes so far.
//
// It is closed at first, and safe for concurrent use.
type breaker struct {
	options BreakerOptions // with defaults
	model   string         // whose requests it is about; "": those of no pool with a model

	state atomic.Uint32 // a BreakerState; like all below written under the lock
	epoch atomic.Uint32

	mu      sync.Mutex
	away    bool
	callers callers
	trials  int       // that callers make who had no turn
	next    time.Time // open: when it half-opens; half-open: when the next trial may begin
	turn    time.Time // the same, for callers whose requests do not fail
}

// way is how a request has come to a model server.
type way uint8

const (
	barred  way = iota // not at all
	passing            // as requests do
	trying             // as a trial without a turn
)

// current returns the state.
func (b *breaker) current() BreakerState { return BreakerState(b.state.Load()) }

// lets reports whether r could pass at the time now. Alone says that no other server can be asked.
func (b *breaker) lets(r *Request, now time.Time, alone bool) bool {
	if closed := b.current() == BreakerClosed; closed || r.Aside {
		return closed
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.wayOf(now, r.caller, alone) != barred
}

// wayOf returns how a request of the caller could pass. It is called under the lock.
func (b *breaker) wayOf(now time.Time, id uint64, alone bool) way {
	switch {
	case b.current() == BreakerClosed:
		return passing
	case b.away:
		return barred
	case b.fails(id, now):
		if now.Before(b.next) {
			return barred
		}
		return passing
	case !now.Before(b.turn):
		return passing
	case alone && b.trials < trialsMax:
		return trying
	}
	return barred
}

// fails reports whether the requests of the caller fail.
func (b *breaker) fails(id uint64, now time.Time) bool {
	c := b.callers.find(id, now)
	return c != nil && c.failing(&b.options)
}

// pass returns how a request may pass at the time now, and takes the turn of the
// next trial if that is what it is; changed tells that the state is a new one.
func (b *breaker) pass(now time.Time, id uint64, alone bool) (how way, changed bool) {
	if b.current() == BreakerClosed {
		return passing, false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	how = b.wayOf(now, id, alone)
	if how == barred || b.current() == BreakerClosed {
		return how, false
	}
	if changed = b.current() == BreakerOpen; changed {
		b.enter(BreakerHalfOpen)
	}
	switch {
	case how == trying:
	case b.fails(id, now):
		b.next = now.Add(trialEvery)
	default:
		b.turn = now.Add(trialEvery)
		if b.next.Before(b.turn) {
			b.next = b.turn
		}
	}
	return how, changed
}

// blind reports whether requests never open the breaker, so that nobody need be told apart.
func (b *breaker) blind() bool { return b.options.Failures < 0 }

// begin notes a request that has come by way of how, and returns the epoch.
func (b *breaker) begin(how way) uint32 {
	if how == trying {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.trials++
	}
	return b.epoch.Load()
}

// flows notes that the answer to a request of the caller has begun.
func (b *breaker) flows(now time.Time, id uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.callers.flows(id, now)
}

// end notes that a request has ended, whose answer flowed or not.
func (b *breaker) end(id uint64, how way, flowed bool) {
	if how != trying && !flowed {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if how == trying {
		b.trials--
	}
	if flowed {
		b.callers.ebbs(id)
	}
}

// record notes how a request of the caller has ended that began in the given epoch,
// and reports whether the state is a new one.
func (b *breaker) record(now time.Time, epoch uint32, id uint64, failed bool) (changed bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if epoch != b.epoch.Load() {
		return false
	}
	c := b.callers.at(id, now)
	failedBefore := c.failing(&b.options)
	c.seen = now
	c.push(&b.options, failed)
	switch b.current() {
	case BreakerClosed:
		if !failed || !b.condemned(now) {
			return false
		}
		b.open(now)
	case BreakerHalfOpen:
		return b.tried(now, failed, failedBefore)
	default:
		return false
	}
	return true
}

// condemned reports whether requests have failed of so many callers that it is the server's fault.
func (b *breaker) condemned(now time.Time) bool {
	if b.blind() {
		return false
	}
	active, failing, failures := b.callers.counts(&b.options, now)
	return failures >= b.options.Failures && 2*failing >= active && (failing > 1 || active == 1)
}

// tried notes how a trial has ended. That the requests of a caller still fail is no
// news to the others.
func (b *breaker) tried(now time.Time, failed, failedBefore bool) (changed bool) {
	if !failed {
		b.close()
		return true
	}
	if active, _, _ := b.callers.counts(&b.options, now); failedBefore && active > 1 {
		b.next = now.Add(b.options.Wait)
		return false
	}
	b.open(now)
	return true
}

// found notes whether the server was there when somebody looked, and reports whether that is news.
func (b *breaker) found(now time.Time, there bool) (news bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.away != there {
		return false
	}
	b.away = !there
	if there {
		b.close()
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

// open opens the breaker. It is called under the lock, as close and enter are.
func (b *breaker) open(now time.Time) {
	b.enter(BreakerOpen)
	b.next = now.Add(b.options.Wait)
	b.turn = b.next
}

// close closes the breaker. What has failed before says nothing about now.
func (b *breaker) close() {
	b.enter(BreakerClosed)
	b.callers.forgive()
}

func (b *breaker) enter(s BreakerState) {
	b.state.Store(uint32(s))
	b.epoch.Add(1)
}
