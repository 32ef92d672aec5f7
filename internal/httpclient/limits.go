package httpclient

import "time"

// limits are the time limits of one exchange. The zero value has none.
type limits struct {
	first, whole           time.Time // zero: none
	firstSlack, wholeSlack time.Duration
	idle                   time.Duration // zero: none
	used                   time.Duration // before this exchange began
}

// unknown stands for a deadline that the connection may have and that no exchange wants.
var unknown = time.Unix(0, 0)

// lateness is the part of a time limit, 1/8, by which it may be exceeded so
// that deadlines need not be set for every read.
const lateness = 8

// limits returns the limits of r, for an exchange that begins now.
func (r *Request) limits(now time.Time) limits {
	begun := r.Begun
	if begun.IsZero() {
		begun = now
	}
	l := limits{idle: r.IdleTimeout, used: now.Sub(begun)}
	if r.FirstByteTimeout > 0 {
		l.first = begun.Add(r.FirstByteTimeout)
		l.firstSlack = r.FirstByteTimeout / lateness
	}
	if r.ResponseTimeout > 0 {
		l.whole = begun.Add(r.ResponseTimeout)
		l.wholeSlack = r.ResponseTimeout / lateness
	}
	return l
}

// Passed returns the phase whose limit has passed, of a request of which nothing has come
// until now; zero where there is time left. Begun is set.
func (r *Request) Passed(now time.Time) Phase {
	limit, p := r.FirstByteTimeout, FirstByte
	if whole := r.ResponseTimeout; limit <= 0 || whole > 0 && whole < limit {
		limit, p = whole, Whole
	}
	if limit > 0 && now.Sub(r.Begun) >= limit {
		return p
	}
	return 0
}

// short reports whether more of the limit of phase p than its slack was used before the
// exchange began: that it passes says nothing about the server then.
func (l *limits) short(p Phase) bool {
	return p == FirstByte && l.used > l.firstSlack || p == Whole && l.used > l.wholeSlack
}

// next returns the limit that applies to a read: the time that must not be cut
// short, by how much it may be exceeded, and its phase. A zero time means no limit.
// Flowing says that the body has begun; since is then when the server was last heard of.
func (l *limits) next(since time.Time, flowing bool) (by time.Time, slack time.Duration, p Phase) {
	switch {
	case flowing && l.idle > 0:
		by, slack, p = since.Add(l.idle), l.idle/lateness, Idle
	case !flowing && !l.first.IsZero():
		by, slack, p = l.first, l.firstSlack, FirstByte
	}
	if !l.whole.IsZero() && (by.IsZero() || l.whole.Before(by)) {
		by, slack, p = l.whole, l.wholeSlack, Whole
	}
	return by, slack, p
}
