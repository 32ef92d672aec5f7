package redis

import (
	"context"
	"sync"
	"time"
)

const (
	// lingerFor is how long the first entry waits for company.
	lingerFor = time.Millisecond
	// batchCharges bounds the charges of one batch, and so how long the
	// server is busy with it.
	batchCharges = 128
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

// stream carries the settlements and cancellations of one model to Redis, in
// numbered batches, one in flight at a time. What was added is kept until it
// has been applied, or the store is closed.
type stream struct {
	store *Store
	model *model

	wake  chan struct{} // has a value when there is something to send
	hurry chan struct{} // has a value when somebody waits for it
	end   chan struct{} // closed when the model is forgotten, and nothing waits

	mu      sync.Mutex
	entries []entry
	added   uint64        // entries, since the start
	applied uint64        // of these
	moved   chan struct{} // closed when applied changes

	refusal refusal // of the batch that is to be delivered
}

func newStream(s *Store, m *model) *stream {
	return &stream{
		store: s, model: m,
		wake:  make(chan struct{}, 1),
		hurry: make(chan struct{}, 1),
		end:   make(chan struct{}),
		moved: make(chan struct{}),
	}
}

// add puts e into the stream. It does not wait.
func (st *stream) add(e entry) {
	st.mu.Lock()
	st.entries = append(st.entries, e)
	st.added++
	st.mu.Unlock()
	signal(st.wake)
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// waiting returns how many entries are not applied yet.
func (st *stream) waiting() int {
	st.mu.Lock()
	defer st.mu.Unlock()
	return int(st.added - st.applied)
}

// flush waits until all that was added before has been applied, or ctx ends.
func (st *stream) flush(ctx context.Context) error {
	st.mu.Lock()
	target := st.added
	st.mu.Unlock()
	for {
		st.mu.Lock()
		applied, moved := st.applied, st.moved
		st.mu.Unlock()
		if applied >= target {
			return nil
		}
		signal(st.hurry)
		select {
		case <-moved:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// run sends batches until the store is closed, or the model forgotten.
func (st *stream) run() {
	defer st.store.done.Done()
	for {
		select {
		case <-st.store.ctx.Done():
			return
		case <-st.end:
			return
		case <-st.wake:
		}
		st.linger()
		for {
			entries := st.take()
			if len(entries) == 0 {
				break
			}
			if !st.deliver(entries) {
				return
			}
		}
	}
}

// linger lets more entries gather, unless somebody waits.
func (st *stream) linger() {
	t := time.NewTimer(lingerFor)
	defer t.Stop()
	select {
	case <-t.C:
	case <-st.hurry:
	case <-st.store.ctx.Done():
	}
}

// take removes as many entries as one batch may have.
func (st *stream) take() []entry {
	st.mu.Lock()
	defer st.mu.Unlock()
	n, charges := 0, 0
	for n < len(st.entries) && (n == 0 || charges+st.entries[n].weight() <= batchCharges) {
		charges += st.entries[n].weight()
		n++
	}
	taken := st.entries[:n:n]
	st.entries = st.entries[n:]
	return taken
}

// deliver sends one batch until it is acknowledged, less and less often where
// the server refuses it, but whenever somebody waits for it. What is behind
// the batch waits, too: batches are applied in their order. It returns false
// when the store was closed before that.
func (st *stream) deliver(entries []entry) bool {
	s := st.store
	for i := range entries {
		// From this batch on the server refuses what is cancelled in it.
		if entries[i].cancel {
			s.counts.cancelled.Add(1)
			s.pending.end(entries[i].charges[0].number)
		}
	}
	b := newBatch(st.model, s.options.Replica, s.batches.Add(1), s.pending.lowest(), entries)
	pause := batchPause
	for attempt := 0; ; attempt++ {
		select {
		case <-s.gate.opening():
		case <-s.ctx.Done():
			return false
		}
		if attempt > 0 {
			s.counts.repeated.Add(1)
		}
		if st.send(b) {
			return true
		}
		select {
		case <-time.After(pause):
			pause = min(2*pause, st.pauseMax())
		case <-st.hurry:
		case <-s.ctx.Done():
			return false
		}
	}
}

// pauseMax returns the longest time between two attempts at a batch.
func (st *stream) pauseMax() time.Duration {
	if st.refusal.Load() != nil {
		return refusedPauseMax
	}
	return batchPauseMax
}

// send sends b once, and reports whether it has been applied, now or before.
func (st *stream) send(b *batch) bool {
	s := st.store
	nonce := s.pending.begin()
	b.args[0] = number(nonce)
	reply, err := s.call(s.ctx, s.scripts.settle, batchTimeout, b.keys, b.args)
	s.pending.end(nonce)
	st.refusal.note(err)
	if err != nil {
		if asRefusal(err) != nil {
			s.counts.refused.Add(1)
		}
		return false
	}
	st.model.settled.Store(b.n)
	s.counts.batches.Add(1)
	s.counts.lost.Add(reply[1])
	s.counts.missing.Add(reply[2])
	st.mu.Lock()
	st.applied += uint64(b.size)
	close(st.moved)
	st.moved = make(chan struct{})
	st.mu.Unlock()
	return true
}
