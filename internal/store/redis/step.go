package redis

import "time"

// steps finds steps of the server's clock: by how much its time less this replica's,
// which does not step, has changed from one look to the next. The zero value is ready
// for use; one goroutine at a time uses it.
type steps struct {
	known     bool
	low, high int64 // bounds of the difference at the last look, ms
}

// look looks at the first reply to heartbeats that were asked for and answered at two
// times, and tells of a step.
func (c *steps) look(s *Store, beats []answer, asked, got int64) {
	for _, b := range beats {
		if b.err != nil {
			continue
		}
		if by := c.step(b.values[0], asked, got); by != 0 {
			s.counts.add(func(st *Stats) { st.Steps++ })
			s.options.Stepped(time.Duration(by) * time.Millisecond)
		}
		return
	}
}

// step takes a reading of the server's clock, made between two times of this replica,
// and returns by how much it has stepped at the least since the last one: 0 where that
// is within what accounts tolerate. All in ms.
func (c *steps) step(server, asked, got int64) int64 {
	low, high := server-got, server-asked
	by := int64(0)
	switch tolerance := clockTolerance.Milliseconds(); {
	case !c.known:
	case low-c.high > tolerance:
		by = low - c.high
	case high-c.low < -tolerance:
		by = high - c.low
	}
	c.known, c.low, c.high = true, low, high
	return by
}
