package answer

import (
	"bytes"

	"github.com/token-rate-limiter/token-rate-limiter/internal/wire"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/event"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/jsonscan"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/metering"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/sse"
)

const (
	// patternBytesMax bounds an event that is kept as a pattern.
	patternBytesMax = 1 << 10
	// patternPauseMax is after how many events at most another one is taken for
	// the pattern, where none was repeated.
	patternPauseMax = 64
)

// pattern is one ordinary chunk of a stream, taken apart, so that the next one need not be parsed:
// nearly every chunk repeats the one before it but for the text, the usage and the choice.
//
// Events match byte for byte outside of those parts, and in the place of each have a JSON value of
// the same kind. So they are valid where the first one was, have the same members, and mean the
// same with other values; all that was decided by the rest of the bytes, such as what is cut out,
// holds for them too. What differs in anything else is parsed.
//
// The zero value matches nothing.
type pattern struct {
	raw   []byte // the event
	parts [5]piece
	n     int // of parts; 0: there is no pattern

	// What the client does not get as it is. What is put in its place is the same for each event.
	cuts     [2]cut
	cutCount int

	metered bool  // usage is among the parts
	cached  int64 // tokens of the input, which stand in the rest of the bytes

	pause, penalty int // events until the next attempt, and how many it cost last
}

// piece is a value that differs from event to event.
type piece struct {
	kind pieceKind
	at   jsonscan.Extent // in the event
}

// cut is a change of the event, which begins and ends outside of the parts.
type cut struct {
	start, end place
	with       []byte
}

// place is a place in any event that matches: so many bytes behind the end
// of the part before it, of which there are so many.
type place struct{ parts, behind int }

type pieceKind uint8

const (
	textPiece   pieceKind = iota // a string of generated text
	indexPiece                   // of the choice
	inputPiece                   // tokens
	outputPiece                  // tokens
	totalPiece                   // tokens; nobody looks at them
	pieceKinds  = iota
)

// values are the pieces of an event that matches.
type values struct {
	ends    [5]int // of the parts
	text    []byte // between its quotes
	escaped bool
	numbers [pieceKinds]int64
}

// reset forgets the pattern, not its buffers.
func (p *pattern) reset() {
	*p = pattern{raw: p.raw[:0]}
}

// match compares an event with the pattern. What it finds in m is of no use where it is not ok.
func (p *pattern) match(raw []byte, m *values) (ok bool) {
	if p.n == 0 {
		return false
	}
	c, from := jsonscan.Cursor{Text: raw}, 0
	for i := range p.parts[:p.n] {
		part := &p.parts[i]
		same := p.raw[from:part.at.Start]
		if !bytes.HasPrefix(raw[c.At:], same) {
			return false
		}
		c.At += len(same)
		if !m.read(&c, part.kind) {
			return false
		}
		m.ends[i], from = c.At, part.at.End
	}
	if !bytes.Equal(raw[c.At:], p.raw[from:]) {
		return false
	}
	p.penalty = 0
	return true
}

// read reads the value of a part.
func (m *values) read(c *jsonscan.Cursor, kind pieceKind) (ok bool) {
	if kind != textPiece {
		if c.At == len(c.Text) || !jsonscan.IsDigit(c.Text[c.At]) { // what is before it is the same
			return false
		}
		m.numbers[kind], ok = c.Count()
		return ok
	}
	if c.At == len(c.Text) || c.Text[c.At] != '"' {
		return false
	}
	m.text, m.escaped = c.Str()
	return !c.Bad
}

// appendShown appends what the client is to see of the event that m was made of.
func (p *pattern) appendShown(dst, raw []byte, m *values) []byte {
	from := 0
	for i := range p.cuts[:p.cutCount] {
		c := &p.cuts[i]
		dst = append(dst, raw[from:m.find(c.start)]...)
		dst = append(dst, c.with...)
		from = m.find(c.end)
	}
	return append(dst, raw[from:]...)
}

// find returns where a place is in the event that m was made of.
func (m *values) find(at place) int {
	if at.parts == 0 {
		return at.behind
	}
	return m.ends[at.parts-1] + at.behind
}

// repeat handles an event that matches the pattern, as chunk and relay would. It
// reports whether it did.
func (s *Stream) repeat(dst []byte, ev *sse.Event) ([]byte, bool) {
	p := &s.pattern
	var m values
	if !p.match(ev.Raw, &m) || ev.Partial {
		return dst, false
	}
	s.first, s.relayed.open = false, false
	s.told.Meter.Sink(p.metered).AddInner(m.text, m.escaped)
	index := m.numbers[indexPiece]
	s.told.Meter.See(index, false)
	if p.metered {
		u := wire.Usage{Input: m.numbers[inputPiece], Output: m.numbers[outputPiece]}
		u.Cached = min(p.cached, u.Input)
		s.told.Meter.SetRunning(index, metering.Report{Usage: u, InputTold: true, OutputTold: true})
	}
	return p.appendShown(dst, ev.Raw, &m), true
}

// learn makes the event, which chunk has handled, the pattern for those after it,
// if it is an ordinary one: of one choice that goes on, with one text. Where
// events do not repeat each other, it tries ever more seldom.
func (p *pattern) learn(ev *sse.Event, env *event.Envelope, es *event.Edits) {
	if p.pause > 0 {
		p.pause--
		return
	}
	p.penalty = min(2*p.penalty+1, patternPauseMax)
	p.pause = p.penalty - 1
	p.n, p.cutCount, p.metered = 0, 0, false
	if ev.Partial || !ev.IsInOnePiece() || len(ev.Raw) > patternBytesMax {
		return
	}
	r := patternReader{c: env.At(event.MemberChoices)}
	if !env.Has(event.MemberChoices) || !r.choices() {
		return
	}
	if env.Has(event.MemberUsage) {
		u := metering.ReadUsage(env)
		r.c = env.At(event.MemberUsage)
		if !r.usage() || u.Cached == u.Input { // it may have been cut to the input
			return
		}
		p.metered, p.cached = true, u.Cached
	}
	p.keep(ev, es, &r)
}

// keep takes over an event with its parts.
func (p *pattern) keep(ev *sse.Event, es *event.Edits, r *patternReader) {
	p.raw = append(p.raw[:0], ev.Raw...)
	in := ev.RawAt(0) // where the data is in the event
	parts := p.parts[:r.n]
	for i, part := range r.parts[:r.n] {
		part.at.Start, part.at.End = part.at.Start+in, part.at.End+in
		parts[i] = part
	}
	cuts := p.cuts[:0]
	for at, with := range es.All {
		start, outside := placeIn(parts, at.Start+in)
		end, outsideToo := placeIn(parts, at.End+in)
		if !outside || !outsideToo {
			return
		}
		cuts = append(cuts, cut{start, end, with})
	}
	p.n, p.cutCount = r.n, len(cuts)
}

// placeIn returns the place of an offset, which is not ok within a part.
func placeIn(parts []piece, offset int) (at place, ok bool) {
	at.behind = offset
	for i, part := range parts {
		if offset <= part.at.Start {
			break
		}
		if offset < part.at.End {
			return at, false
		}
		at = place{i + 1, offset - part.at.End}
	}
	return at, true
}
