package openai

import "bytes"

const (
	// patternBytesMax bounds an event that is kept as a pattern.
	patternBytesMax = 1 << 10
	// patternPauseMax is after how many events at most another one is taken for
	// the pattern, where none was repeated.
	patternPauseMax = 64
)

// eventPattern is one ordinary chunk of a stream, taken apart, so that the next
// one need not be parsed: nearly every chunk repeats the one before it but for
// the text, the usage and the choice.
//
// Events match byte for byte outside of those parts, and in the place of each
// have a JSON value of the same kind. So they are valid where the first one was,
// have the same members, and mean the same with other values; all that was
// decided by the rest of the bytes, such as what is cut out, holds for them too.
// What differs in anything else is parsed.
//
// The zero value matches nothing.
type eventPattern struct {
	raw   []byte // the event
	parts [5]patternPart
	n     int // of parts; 0: there is no pattern

	// What the client does not get as it is. What is put in its place is the
	// same for each event.
	cuts     [2]patternCut
	cutCount int

	metered bool  // usage is among the parts
	cached  int64 // tokens of the input, which stand in the rest of the bytes

	pause, penalty int // events until the next attempt, and how many it cost last
}

// patternPart is a value that differs from event to event.
type patternPart struct {
	kind partKind
	at   extent // in the event
}

// patternCut is a change of the event, which begins and ends outside of the parts.
type patternCut struct {
	start, end patternPlace
	with       []byte
}

// patternPlace is a place in any event that matches: so many bytes behind the end
// of the part before it, of which there are so many.
type patternPlace struct{ parts, behind int }

type partKind uint8

const (
	textPart   partKind = iota // a string of generated text
	indexPart                  // of the choice
	inputPart                  // tokens
	outputPart                 // tokens
	totalPart                  // tokens; nobody looks at them
	partKinds  = iota
)

// patternMatch is the parts of an event that matches.
type patternMatch struct {
	ends    [5]int // of the parts
	text    []byte // between its quotes
	escaped bool
	numbers [partKinds]int64
}

// reset forgets the pattern, not its buffers.
func (p *eventPattern) reset() {
	*p = eventPattern{raw: p.raw[:0]}
}

// match compares an event with the pattern. What it finds in m is of no use where
// it is not ok.
func (p *eventPattern) match(raw []byte, m *patternMatch) (ok bool) {
	if p.n == 0 {
		return false
	}
	c, from := jsonCursor{b: raw}, 0
	for i := range p.parts[:p.n] {
		part := &p.parts[i]
		same := p.raw[from:part.at.start]
		if !bytes.HasPrefix(raw[c.i:], same) {
			return false
		}
		c.i += len(same)
		if !m.read(&c, part.kind) {
			return false
		}
		m.ends[i], from = c.i, part.at.end
	}
	if !bytes.Equal(raw[c.i:], p.raw[from:]) {
		return false
	}
	p.penalty = 0
	return true
}

// read reads the value of a part.
func (m *patternMatch) read(c *jsonCursor, kind partKind) (ok bool) {
	if kind != textPart {
		m.numbers[kind], ok = c.plainCount()
		return ok
	}
	if c.i == len(c.b) || c.b[c.i] != '"' {
		return false
	}
	m.text, m.escaped = c.str()
	return !c.bad
}

// appendShown appends what the client is to see of the event that m was made of.
func (p *eventPattern) appendShown(dst, raw []byte, m *patternMatch) []byte {
	from := 0
	for i := range p.cuts[:p.cutCount] {
		cut := &p.cuts[i]
		dst = append(dst, raw[from:m.find(cut.start)]...)
		dst = append(dst, cut.with...)
		from = m.find(cut.end)
	}
	return append(dst, raw[from:]...)
}

// find returns where a place is in the event that m was made of.
func (m *patternMatch) find(at patternPlace) int {
	if at.parts == 0 {
		return at.behind
	}
	return m.ends[at.parts-1] + at.behind
}

// repeat handles an event that matches the pattern, as chunk and relay would. It
// reports whether it did.
func (s *Stream) repeat(dst []byte, ev *Event) ([]byte, bool) {
	p := &s.pattern
	var m patternMatch
	if !p.match(ev.Raw, &m) || ev.Partial {
		return dst, false
	}
	s.first, s.relayed.open = false, false
	s.meter.sink(p.metered).addInner(m.text, m.escaped)
	index := m.numbers[indexPart]
	s.meter.see(index, false)
	if p.metered {
		u := usageReport{input: true, output: true}
		u.Input, u.Output = m.numbers[inputPart], m.numbers[outputPart]
		u.Cached = min(p.cached, u.Input)
		s.meter.setRunning(index, u)
	}
	return p.appendShown(dst, ev.Raw, &m), true
}

// learn makes the event, which chunk has handled, the pattern for those after it,
// if it is an ordinary one: of one choice that goes on, with one text. Where
// events do not repeat each other, it tries ever more seldom.
func (p *eventPattern) learn(ev *Event, env *envelope, es *eventEdits) {
	if p.pause > 0 {
		p.pause--
		return
	}
	p.penalty = min(2*p.penalty+1, patternPauseMax)
	p.pause = p.penalty - 1
	p.n, p.cutCount, p.metered = 0, 0, false
	if ev.Partial || ev.at == 0 || len(ev.Raw) > patternBytesMax {
		return
	}
	r := patternReader{c: jsonCursor{b: env.data, i: env.values[fieldChoices].start}}
	if !env.has(fieldChoices) || !r.choices() {
		return
	}
	if env.has(fieldUsage) {
		u := readUsage(env.data, env.values[fieldUsage])
		r.c.i = env.values[fieldUsage].start
		if !r.usage() || u.Cached == u.Input { // it may have been cut to the input
			return
		}
		p.metered, p.cached = true, u.Cached
	}
	p.keep(ev, es, &r)
}

// keep takes over an event with its parts.
func (p *eventPattern) keep(ev *Event, es *eventEdits, r *patternReader) {
	p.raw = append(p.raw[:0], ev.Raw...)
	in := ev.at - 1 // where the data is in the event
	parts := p.parts[:r.n]
	for i, part := range r.parts[:r.n] {
		part.at.start, part.at.end = part.at.start+in, part.at.end+in
		parts[i] = part
	}
	for i, ed := range es.list[:es.n] {
		start, outside := placeIn(parts, ed.at.start+in)
		end, outsideToo := placeIn(parts, ed.at.end+in)
		if !outside || !outsideToo {
			return
		}
		p.cuts[i] = patternCut{start, end, ed.with}
	}
	p.n, p.cutCount = r.n, es.n
}

// placeIn returns the place of an offset, which is not ok within a part.
func placeIn(parts []patternPart, offset int) (at patternPlace, ok bool) {
	at.behind = offset
	for i, part := range parts {
		if offset <= part.at.start {
			break
		}
		if offset < part.at.end {
			return at, false
		}
		at = patternPlace{i + 1, offset - part.at.end}
	}
	return at, true
}
