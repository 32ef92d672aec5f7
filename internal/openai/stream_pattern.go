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
	shown []byte // what the client got of it
	parts [5]patternPart
	n     int // of parts; 0: there is no pattern

	metered bool  // usage is among the parts
	cached  int64 // tokens of the input, which stand in the rest of the bytes

	pause, penalty int // events until the next attempt, and how many it cost last
}

// patternPart is a value that differs from event to event.
type patternPart struct {
	kind       partKind
	raw, shown extent // where it is; shown is not set where the client does not get it
}

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
	at      [5]extent
	text    []byte // between its quotes
	escaped bool
	numbers [partKinds]int64
}

// reset forgets the pattern, not its buffers.
func (p *eventPattern) reset() {
	*p = eventPattern{raw: p.raw[:0], shown: p.shown[:0]}
}

// match compares an event with the pattern.
func (p *eventPattern) match(raw []byte) (m patternMatch, ok bool) {
	if p.n == 0 {
		return m, false
	}
	c, from := jsonCursor{b: raw}, 0
	for i := range p.parts[:p.n] {
		part := &p.parts[i]
		same := p.raw[from:part.raw.start]
		if !bytes.HasPrefix(raw[c.i:], same) {
			return m, false
		}
		c.i += len(same)
		start := c.i
		if !m.read(&c, part.kind) {
			return m, false
		}
		m.at[i], from = extent{start, c.i}, part.raw.end
	}
	if !bytes.Equal(raw[c.i:], p.raw[from:]) {
		return m, false
	}
	p.penalty = 0
	return m, true
}

// read reads the value of a part.
func (m *patternMatch) read(c *jsonCursor, kind partKind) (ok bool) {
	if kind != textPart {
		if c.i == len(c.b) || c.b[c.i] < '0' || c.b[c.i] > '9' {
			return false // white space may be a line's end, which splits the data
		}
		m.numbers[kind], ok = c.count()
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
	for i := range p.parts[:p.n] {
		if at := p.parts[i].shown; at.isSet() {
			dst = append(dst, p.shown[from:at.start]...)
			dst = append(dst, m.at[i].of(raw)...)
			from = at.end
		}
	}
	return append(dst, p.shown[from:]...)
}

// repeat handles an event that matches the pattern, as chunk and relay would. It
// reports whether it did.
func (s *Stream) repeat(dst []byte, ev *Event) ([]byte, bool) {
	p := &s.pattern
	m, ok := p.match(ev.Raw)
	if !ok || ev.Partial {
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
	p.n, p.metered = 0, false
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
	p.shown = es.apply(p.shown[:0], ev)
	for i, part := range r.parts[:r.n] {
		at, ok := es.moved(part.raw)
		if !ok {
			return
		}
		in := ev.at - 1 // where the data is in the event
		part.raw.start, part.raw.end = part.raw.start+in, part.raw.end+in
		if at.isSet() {
			part.shown = extent{at.start + in, at.end + in}
		}
		p.parts[i] = part
	}
	p.n = r.n
}

// moved returns where a part of the data is after the changes; the zero value
// if it is gone. It is not ok to change a part of it.
func (e *eventEdits) moved(at extent) (to extent, ok bool) {
	shift := 0
	for _, ed := range e.list[:e.n] {
		switch {
		case ed.at.end <= at.start:
			shift += len(ed.with) - (ed.at.end - ed.at.start)
		case ed.at.start <= at.start && at.end <= ed.at.end:
			return extent{}, true
		case ed.at.start < at.end:
			return extent{}, false
		}
	}
	return extent{at.start + shift, at.end + shift}, true
}
