package sse

import (
	"errors"
	"io"
)

// EventBytesMax is the longest event that a [Scanner] accepts, in bytes.
const EventBytesMax = 8 << 20

// ErrTooLarge is returned for an event of more bytes than the scanner accepts.
var ErrTooLarge = errors.New("sse: event of the stream is too large")

// ErrNoRoom is returned for an event that there is no room for now: see [Scanner.Bound].
var ErrNoRoom = errors.New("sse: no room for an event of the stream")

const (
	scanBytesMin = 1 << 10 // the buffer of a stream of ordinary events
	calmEvents   = 32      // so many small events in a row shrink a grown buffer
	emptyReads   = 100     // so many reads of nothing are the reader's fault
)

// Scanner splits a stream into its events without changing a byte: the Raw of the events it
// returns, put together, are what it has read. It reads no more than it needs: an event is
// returned as soon as its last byte is there, also where that is a CR that an LF might follow;
// the LF then begins the Raw of the next event.
//
// The bytes after the last blank line, where a stream ends without one, breaks off, or exceeds
// the limit, come as a last event with Partial set, and the reason (io.EOF, the reader's error,
// [ErrTooLarge]) with the call after.
//
// Where the reader can show what it has read, at least a byte of it, by a method Next as that of
// upstream.Body, events are looked for right there. One that is whole is accepted whatever its
// length; one that is not is copied into a buffer. That is 1 KiB, grows to what an event needs
// and shrinks again.
//
// A Scanner is for one goroutine. The zero value has nothing to read until it is Reset.
type Scanner struct {
	r     io.Reader
	ready interface{ Ready() bool }           // r, where it can tell; else nil
	shows interface{ Next() ([]byte, error) } // r, where it can show; else nil
	max   int                                 // bytes of an event: EventBytesMax, but for tests
	room  func(bytes int) bool                // nil: there always is
	err   error                               // of the reader; returned when the buffer is used up

	own    []byte // the buffer
	buf    []byte // where events are looked for: own, or what the reader has shown
	start  int    // of the event that is being looked for
	end    int    // of that event, once found; 0: not yet
	line   int    // where the current line begins
	scan   int    // up to where there is no end of a line
	filled int    // how much of buf has been read

	cr   bool // the last event ended with a CR at the end of what was there
	calm int
}

// Reset makes the scanner read another stream. It keeps its buffer unless that has grown.
func (s *Scanner) Reset(r io.Reader) {
	own := s.own
	if len(own) > scanBytesMin {
		own = nil
	}
	if s.max <= 0 {
		s.max = EventBytesMax
	}
	*s = Scanner{r: r, max: s.max, room: s.room, own: own, buf: own}
	s.ready, _ = r.(interface{ Ready() bool })
	s.shows, _ = r.(interface{ Next() ([]byte, error) })
}

// Bound has the scanner ask room, from now on, before it makes a buffer of so many bytes beside the
// one that it has. Where there is no room, the stream ends with [ErrNoRoom].
func (s *Scanner) Bound(room func(bytes int) bool) { s.room = room }

// Held returns how many bytes the scanner's buffer has.
func (s *Scanner) Held() int { return len(s.own) }

// Next returns the next event, and reads only while none is complete. After the last event it
// returns the reader's error, io.EOF for a clean end, or ErrTooLarge; then always the same.
func (s *Scanner) Next() (Event, error) {
	for !s.Buffered() {
		if err := s.fill(); err != nil {
			return s.last(err)
		}
	}
	return s.take(s.end), nil
}

// Buffered reports whether Next will return a complete event without reading. It leaves the event
// that Next returned last valid.
func (s *Scanner) Buffered() bool {
	return s.end > 0 || s.find()
}

// More reports whether there is another event without waiting for one. Where its reader can tell
// that a read would not wait, by a method Ready, it reads for that; the event that Next returned
// last is then no longer valid.
func (s *Scanner) More() bool {
	for !s.Buffered() {
		if s.ready == nil || !s.ready.Ready() || s.fill() != nil {
			return false
		}
	}
	return true
}

// take returns the bytes up to end as an event.
func (s *Scanner) take(end int) Event {
	raw := s.buf[s.start:end:end]
	if s.calm++; len(raw) > len(s.own)/4 {
		s.calm = 0
	}
	s.start, s.end = end, 0
	return Event{Raw: raw}
}

// last returns what is left in the buffer as a partial event, if something is, else err, which is
// kept for good.
func (s *Scanner) last(err error) (Event, error) {
	s.err = err
	if s.start == s.filled {
		return Event{}, err
	}
	rest := s.take(s.filled)
	s.line, s.scan = s.start, s.start
	// What is left of a line end does not make an event that was cut off.
	rest.Partial = string(rest.Raw) != "\n"
	return rest, nil
}

// find looks for the blank line that ends the event, in what has been read.
func (s *Scanner) find() bool {
	if s.cr && s.scan < s.filled {
		if s.buf[s.scan] == '\n' { // the other half of a blank line's CR LF
			s.scan++
			s.line++
		}
		s.cr = false
	}
	for {
		n := lineLen(s.buf[s.scan:s.filled])
		if n < 0 {
			s.scan = s.filled
			return false
		}
		at := s.scan + n
		next, known := s.lineEnd(at)
		blank := at == s.line
		if !known && !blank {
			s.scan = at // the event goes on: time enough to see what follows
			return false
		}
		s.scan, s.line = next, next
		if blank {
			s.cr = !known
			s.end = next
			return true
		}
	}
}

// lineEnd returns where the line after the one that ends at i begins; known is false where i is a
// CR and it is not known yet whether an LF follows.
func (s *Scanner) lineEnd(i int) (next int, known bool) {
	next = i + 1
	if s.buf[i] != '\r' {
		return next, true
	}
	if next == s.filled {
		return next, false
	}
	if s.buf[next] == '\n' {
		next++
	}
	return next, true
}

// fill reads once, after making room.
func (s *Scanner) fill() error {
	if s.err != nil {
		return s.err
	}
	if s.filled-s.start >= s.max {
		return ErrTooLarge
	}
	if s.shows != nil && s.start == s.filled {
		return s.look()
	}
	if !s.makeRoom() {
		return ErrNoRoom
	}
	for range emptyReads {
		n, err := s.r.Read(s.buf[s.filled:])
		s.filled += n
		s.err = err
		if n > 0 {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return io.ErrNoProgress
}

// look takes what the reader shows, where nothing is left from before. It is not written to.
func (s *Scanner) look() error {
	if s.isCalm() {
		s.own = nil
	}
	s.line -= s.start
	s.scan -= s.start
	s.buf, s.err = s.shows.Next()
	s.start, s.filled = 0, len(s.buf)
	if s.filled > 0 {
		return nil
	}
	return s.err
}

// isCalm reports whether the buffer has grown for an event of long ago.
func (s *Scanner) isCalm() bool { return s.calm >= calmEvents && len(s.own) > scanBytesMin }

// makeRoom moves the event to the start of the buffer, which it makes twice as large where the
// event fills it and small again after a run of small events. It reports whether it could.
func (s *Scanner) makeRoom() bool {
	size := len(s.own)
	unread := s.buf[s.start:s.filled]
	if size == 0 || s.isCalm() && len(unread) < scanBytesMin/2 {
		size = min(scanBytesMin, s.max)
	}
	for len(unread) >= size && size < s.max {
		size = min(2*size, s.max)
	}
	if size != len(s.own) {
		if s.room != nil && !s.room(size) {
			return false
		}
		s.own = append(make([]byte, 0, size), unread...)[:size]
		s.calm = 0
	} else {
		copy(s.own, unread)
	}
	s.buf = s.own
	s.line -= s.start
	s.scan -= s.start
	s.filled -= s.start
	s.start = 0
	return true
}
