package httpclient

import "time"

// CountEvents implements [Body].
func (b *body) CountEvents() {
	if b.state.Load() == open {
		b.conn.events, b.conn.event, b.conn.eventAt = true, false, time.Time{}
	}
}

// Event implements [Body].
func (b *body) Event() {
	if b.state.Load() == open { // the connection may be another request's by now
		b.conn.event = true
	}
}

// Delay implements [Body].
func (b *body) Delay(d time.Duration) {
	if b.state.Load() == open && !b.conn.limits.whole.IsZero() {
		b.conn.limits.whole = b.conn.limits.whole.Add(d)
	}
}

// Hurry implements [Body].
func (b *body) Hurry(d time.Duration) {
	if b.state.Load() == open {
		b.conn.limits = limits{whole: time.Now().Add(d)}
	}
}
