package upstream

import "time"

// Delay moves the time limit of the response on by d, which was not spent on waiting for
// the model server. It is for the goroutine that reads.
func (b *Body) Delay(d time.Duration) {
	if b.state.Load() == open && !b.conn.limits.whole.IsZero() {
		b.conn.limits.whole = b.conn.limits.whole.Add(d)
	}
}

// CountEvents makes the time limits go by events, of which the reader tells by Event,
// and not by bytes: neither comments nor pieces of an event that does not end keep a
// body alive.
func (b *Body) CountEvents() {
	if b.state.Load() == open {
		b.conn.events, b.conn.event, b.conn.eventAt = true, false, time.Time{}
	}
}

// Event says that an event has come. The time until the next one is counted from the
// next read on, so that of a reader who does something else in between is not.
func (b *Body) Event() {
	if b.state.Load() == open { // the connection may be somebody else's by now
		b.conn.event = true
	}
}

// Conclude says that the answer has come to its end, as its reader understands it: the
// model server has done well, whatever comes. The rest of the body must come within
// the patience given.
func (b *Body) Conclude(patience time.Duration) {
	b.judge(wentWell)
	if b.state.Load() == open {
		b.conn.limits = limits{whole: time.Now().Add(patience)}
	}
}
