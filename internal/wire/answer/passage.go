package answer

import (
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/chars"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/jsonscan"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/metering"
)

// Passage reads an answer that is one JSON object while it is passed on, piece by piece, because it
// is too large to be held. It finds the usage wherever it stands, counts the text in case there is
// none, and replaces the model's name by the public one. It passes on what [Answer.AppendPieces]
// would make of the whole, for every JSON object without a name twice. In other answers it may
// replace the model's name before it finds that out.
//
// It checks only as much of the grammar as tells it where it is. Its memory does not grow with the
// answer. A Passage is for one goroutine; use NewPassage.
type Passage struct {
	model    []byte // the public name as JSON; empty: the name stays
	endpoint wire.Endpoint
	text     chars.Text // that was generated

	held []byte          // of the text: an escape that was cut off
	cut  [escapeMax]byte // in which that is

	usage     metering.Report
	usages    int // members of that name, and of the other
	models    int
	report    []byte // the usage object, as far as it has come
	reporting bool   // and more of it comes

	bytes    int64 // that have come
	mode     passageMode
	escaped  bool // the string's next byte is the second of an escape
	dropping bool // the string is the model's name, in whose place the public one stands
	depth    int
	objects  [jsonscan.NestingMax + 1]bool        // at each depth: an object, or an array
	kinds    [jsonscan.NestingMax + 1]passageKind // of the object or array at each depth
	kind     passageKind                          // of the value that is read
	reasoned bool                                 // the message has shown reasoning

	name    [nameBytesMax]byte // of the member, escapes as they are
	nameLen int                // beyond nameBytesMax: it is none that matters
}

const (
	// nameBytesMax is the longest that the names that matter can be written: six bytes for a
	// character.
	nameBytesMax = 6 * len("reasoning_content")
	// reportBytesMax bounds a usage object. A longer one tells nothing.
	reportBytesMax = 64 << 10
)

// passageMode is what comes next.
type passageMode uint8

const (
	passStart  passageMode = iota // the object's brace
	passFirst                     // the first name of an object, or its end
	passNext                      // a further name
	passName                      // the rest of a name
	passColon                     // what is between a name and its value
	passValue                     // a member's value
	passString                    // the rest of a string
	passMember                    // the rest of a member that is no string, and what ends it
	passArray                     // elements of an array, and its end
	passEnd                       // nothing more
	passOpaque                    // anything: it is no JSON object
)

// NewPassage returns a reader of an answer of an endpoint, that is to have the name publicModel;
// an empty one changes nothing.
func NewPassage(e wire.Endpoint, publicModel string) *Passage {
	p := &Passage{endpoint: e, kind: passAnswer}
	if publicModel != "" {
		p.model = wire.AppendQuoted(nil, publicModel)
	}
	return p
}

// Answer returns what the answer tells of its usage, as [Read] would. It is certain once the
// answer has ended.
func (p *Passage) Answer() Answer {
	if p.mode == passOpaque || p.usages != 1 || p.models > 1 || p.reporting {
		return Answer{}
	}
	return Answer{Report: p.usage}
}

// Bytes returns how much of the answer has come.
func (p *Passage) Bytes() int64 { return p.bytes }

// Text returns the text that was generated up to now, for an answer that tells no usage. It counts
// the members that [Text] counts, the strings in the input of a tool, and all of an answer that is
// no JSON object.
func (p *Passage) Text() chars.Text { return p.text }

// Whole reports whether the object has come to its end.
func (p *Passage) Whole() bool { return p.mode == passEnd }

// CutShort reports whether an object has begun that has not come to its end.
func (p *Passage) CutShort() bool {
	return p.mode != passStart && p.mode != passEnd && p.mode != passOpaque
}

// Pass reads the next piece, and appends to out what is to be passed on of it, in order: slices of
// the piece, and what comes between them.
func (p *Passage) Pass(out [][]byte, piece []byte) [][]byte {
	p.bytes += int64(len(piece))
	from := 0 // of what is to be passed on
	captured := 0
	for i := 0; i < len(piece); {
		dropped, reported := p.dropping, p.reporting
		next := p.step(piece, i)
		switch {
		case p.dropping && !dropped:
			out = appendPiece(out, piece[from:next-1]) // up to its quote
			out = append(out, p.model)
		case dropped && !p.dropping:
			from = next
		}
		if p.reporting && !reported {
			captured = next - 1
		} else if reported && !p.reporting {
			p.readReport(piece[captured:next])
			captured = next
		}
		i = next
	}
	if p.reporting {
		p.keepReport(piece[captured:])
	}
	if p.dropping {
		return out
	}
	return appendPiece(out, piece[from:])
}

func appendPiece(out [][]byte, piece []byte) [][]byte {
	if len(piece) == 0 {
		return out
	}
	return append(out, piece)
}

// keepReport keeps a piece of the usage object.
func (p *Passage) keepReport(piece []byte) {
	if len(p.report)+len(piece) > reportBytesMax {
		piece = piece[:0] // the rest does not end as an object does, and tells nothing
		p.report = append(p.report[:0], '!')
	}
	p.report = append(p.report, piece...)
}

// readReport reads the usage object, whose last piece this is.
func (p *Passage) readReport(piece []byte) {
	p.keepReport(piece)
	c := jsonscan.Cursor{Text: p.report}
	if u := metering.UsageAhead(&c); c.End() {
		p.usage = u
	}
	p.report = nil
}

// step reads on from piece[i], at least one byte, and returns where it has come to.
func (p *Passage) step(piece []byte, i int) int {
	switch p.mode {
	case passName, passString:
		return p.readString(piece, i)
	case passMember:
		i = stop(&ofMember, piece, i)
	case passArray:
		i = stop(&ofArray, piece, i)
	case passOpaque:
		p.count(piece[i:])
		return len(piece)
	default:
		i = jsonscan.SkipSpace(piece, i)
	}
	if i == len(piece) {
		return i
	}
	if !p.take(piece[i]) {
		p.mode, p.dropping, p.reporting = passOpaque, false, false
		return i // which counts from here
	}
	return i + 1
}

// readString reads on in a string or a name, to its end or that of the piece.
func (p *Passage) readString(piece []byte, i int) int {
	start := i
	for i < len(piece) {
		if p.escaped {
			p.escaped = false
			i++
			continue
		}
		i = jsonscan.PlainEnd(piece, i)
		if i == len(piece) {
			break
		}
		switch piece[i] {
		case '\\':
			p.escaped = true
			i++
		case '"':
			p.took(piece[start:i])
			p.endString()
			return i + 1
		default:
			p.took(piece[start:i])
			p.mode, p.dropping, p.reporting = passOpaque, false, false
			return i
		}
	}
	p.took(piece[start:i])
	return i
}

// took takes a piece of a string or a name.
func (p *Passage) took(piece []byte) {
	if p.mode == passName {
		copy(p.name[min(p.nameLen, nameBytesMax):], piece)
		p.nameLen += len(piece)
		return
	}
	if p.kind.isText() {
		p.reasoned = p.reasoned || p.kind == passReasoning
		p.addString(piece)
	}
}

// endString goes on behind a string or a name.
func (p *Passage) endString() {
	if p.mode == passName {
		p.mode = passColon
		return
	}
	p.dropping = false
	p.flush()
	p.after()
}

func (p *Passage) count(piece []byte) {
	if p.endpoint.Generates() {
		p.text.Add(piece)
	}
}
