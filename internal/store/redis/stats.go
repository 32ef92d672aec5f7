package redis

import "sync/atomic"

// counts is what a store counts of itself.
type counts struct {
	batches, repeated, refused, cancelled, lost, missing, forgone, desyncs, restored, steps atomic.Int64
}

// Stats is what a store has done since its start.
type Stats struct {
	Batches   int64 // settlement batches that were applied
	Repeated  int64 // batches that were sent again, for want of an answer or after an error
	Refused   int64 // attempts at a batch that the server answered with an error
	Cancelled int64 // charges that were cancelled because their answer was lost
	Lost      int64 // charges whose record was gone when they were settled: Redis lost data
	Missing   int64 // tokens and requests that could not be given back, for their slots did not hold them
	Forgone   int64 // requests without limits that are not counted, for too much waited to be applied
	Restored  int64 // running requests that the server had lost, and that count there again
	Steps     int64 // steps of the server's clock
	Desyncs   int64 // connections dropped because a reply belonged to another call
	Waiting   int   // settlements and cancellations that are not applied yet
}

// Stats returns what the store has done since its start.
func (s *Store) Stats() Stats {
	st := Stats{
		Batches:   s.counts.batches.Load(),
		Repeated:  s.counts.repeated.Load(),
		Refused:   s.counts.refused.Load(),
		Cancelled: s.counts.cancelled.Load(),
		Lost:      s.counts.lost.Load(),
		Missing:   s.counts.missing.Load(),
		Forgone:   s.counts.forgone.Load(),
		Restored:  s.counts.restored.Load(),
		Steps:     s.counts.steps.Load(),
		Desyncs:   s.counts.desyncs.Load(),
	}
	for _, m := range s.all() {
		st.Waiting += m.outbox.waiting()
	}
	return st
}
