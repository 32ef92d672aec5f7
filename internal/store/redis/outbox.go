package redis

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// lingerFor is how long an entry waits for company, or for a decision that
	// takes it along.
	lingerFor = time.Millisecond
	// batchCharges bounds the charges of one batch, and so how long the
	// server is busy with it.
	batchCharges = 128
	// sendCharges bounds the charges that are sent at once, in any number of
	// batches: a decision behind them waits for them all.
	sendCharges = 2 * batchCharges
	// queuedBatches bounds the batches that are not acknowledged. What is added
	// beyond that waits to become one.
	queuedBatches = 256
	// batchTimeout is how long to wait for an answer before a batch is sent
	// again. Nobody waits for it, so it is longer than that of a decision.
	batchTimeout = time.Second
	// batchPause is the time until the second attempt; it doubles with every
	// further one, up to batchPauseMax.
	batchPause    = 10 * time.Millisecond
	batchPauseMax = 200 * time.Millisecond
	// refusedPauseMax is as much for a batch that the server answers with an
	// error. That does not pass as a lost answer does: somebody has to free
	// memory, or mend a key or a permission.
	refusedPauseMax = 5 * time.Second
)

// outbox carries the settlements and cancellations of one model to Redis, in
// numbered batches. They follow each other without waiting for answers: a decision
// takes along what has been settled before it and may change it, and what no decision
// takes leaves by itself. What was added is kept until it has been applied, or the store
// is closed.
type outbox struct {
	store *Store
	model *model

	wake  chan struct{} // has a value when there is something to send
	hurry chan struct{} // has a value when somebody waits for it
	end   chan struct{} // closed when the model is forgotten, and nothing waits

	// sending is held from the choice of what is sent until it is in the queue of
	// the connection, so that batches go out in their order and a decision behind
	// them. It is taken before mu, and never while settling.
	sending sync.Mutex

	mu       sync.Mutex
	entries  []entry       // not in a batch yet
	queue    []*batch      // not acknowledged, in their order
	added    uint64        // entries, since the start
	applied  uint64        // of these
	setbacks uint64        // how often a batch came back that was not applied
	moved    chan struct{} // closed when one of these changes; nil while nobody waits

	refusal   refusal     // of the batch that is to be applied next
	forgotten atomic.Bool // the server does not know the script by its hash
	roomy     atomic.Bool // the model was far from its own limits at the last decision
}

func newOutbox(s *Store, m *model) *outbox {
	return &outbox{
		store: s, model: m,
		wake:  make(chan struct{}, 1),
		hurry: make(chan struct{}, 1),
		end:   make(chan struct{}),
	}
}

// add puts e into the outbox. It does not wait.
func (ob *outbox) add(e entry) {
	ob.mu.Lock()
	ob.entries = append(ob.entries, e)
	ob.added++
	ob.mu.Unlock()
	signal(ob.wake)
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// waiting returns how many entries are not applied yet.
func (ob *outbox) waiting() int {
	ob.mu.Lock()
	defer ob.mu.Unlock()
	return int(ob.added - ob.applied) // #nosec G115 -- entries in memory
}

// change returns a channel that is closed at the next change. mu is held.
func (ob *outbox) change() <-chan struct{} {
	if ob.moved == nil {
		ob.moved = make(chan struct{})
	}
	return ob.moved
}

// changed wakes who waits for a change. mu is held.
func (ob *outbox) changed() {
	if ob.moved != nil {
		close(ob.moved)
		ob.moved = nil
	}
}

// flush waits until all that was added before has been applied, or ctx ends.
func (ob *outbox) flush(ctx context.Context) error {
	ob.mu.Lock()
	target := ob.added
	ob.mu.Unlock()
	for {
		ob.mu.Lock()
		applied, moved := ob.applied, ob.change()
		ob.mu.Unlock()
		if applied >= target {
			return nil
		}
		signal(ob.hurry)
		select {
		case <-moved:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// run sends what no decision has taken along, until the store is closed or the
// model forgotten.
func (ob *outbox) run() {
	for {
		select {
		case <-ob.store.ctx.Done():
			return
		case <-ob.end:
			return
		case <-ob.wake:
		}
		ob.rest(lingerFor)
		if !ob.deliver() {
			return
		}
	}
}

// rest lets time pass, unless somebody waits.
func (ob *outbox) rest(d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ob.hurry:
	case <-ob.store.ctx.Done():
	}
}

// deliver sends until nothing is left to send: less and less often where the
// server does not take it, but whenever somebody waits for it. It returns false when
// the store was closed before that.
func (ob *outbox) deliver() bool {
	s := ob.store
	for pause := time.Duration(0); ob.unsent(); ob.rest(pause) {
		select {
		case <-s.gate.opening():
		case <-s.ctx.Done():
			return false
		}
		till, well := time.Now().Add(batchTimeout), false
		if s.rehearsed(s.ctx, till, ob.model) == nil {
			_, _, well = ob.send(s.ctx, till, nil)
		}
		pause = ob.pauseAfter(pause, well)
	}
	return s.ctx.Err() == nil
}

// pauseAfter returns the pause before the next attempt at a batch: none after one that went
// well, else twice as long as the one before, up to what is the longest.
func (ob *outbox) pauseAfter(pause time.Duration, well bool) time.Duration {
	if well {
		return 0
	}
	longest := batchPauseMax
	if ob.refusal.Load() != nil || ob.model.rehearsal.Load() != nil {
		longest = refusedPauseMax
	}
	return max(batchPause, min(2*pause, longest))
}
