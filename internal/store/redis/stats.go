package redis

import "sync"

// Stats is what a store has done since its start.
type Stats struct {
	Batches   int64 // settlement batches that were applied
	Repeated  int64 // batches that were sent again, for want of an answer or after an error
	Refused   int64 // attempts at a batch that the server answered with an error
	Cancelled int64 // charges that were cancelled because their answer was lost
	Lost      int64 // charges whose record was gone when they were settled: Redis lost data
	Missing   int64 // tokens and requests not given back, for their slots did not hold them
	Forgone   int64 // requests without limits that are not counted: see Options
	Restored  int64 // running requests that the server had lost, and that count there again
	Steps     int64 // steps of the server's clock
	Desyncs   int64 // connections dropped because a reply belonged to another call
	Waiting   int   // settlements and cancellations that are not applied yet
}

// counts is what a store counts of itself. The zero value is ready for use and safe for
// concurrent use.
type counts struct {
	mu    sync.Mutex
	stats Stats
}

// add has something counted.
func (c *counts) add(with func(*Stats)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	with(&c.stats)
}

// Stats returns what the store has done since its start.
func (s *Store) Stats() (st Stats) {
	s.counts.add(func(now *Stats) { st = *now })
	for _, m := range s.all() {
		st.Waiting += m.outbox.waiting()
	}
	return st
}
