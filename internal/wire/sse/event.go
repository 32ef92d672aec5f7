package sse

import "bytes"

// Event is one block of a stream: everything up to and including a blank line. A [Scanner] sets
// Raw, which is valid until its next call, and Partial. A [Parser] sets the rest: most events need
// not be taken apart to be relayed.
type Event struct {
	// Raw is every byte of the block: fields, comments, the blank line, and what the reader
	// ignores. The Raws of a stream, put together, are the stream.
	Raw []byte
	// Name is the value of the event field, nil where there is none.
	Name []byte
	// Data is the values of the data fields, joined by line feeds; nil where there is none, as in
	// a comment that only keeps the connection alive.
	Data []byte
	// Partial is set where the stream ended before the blank line.
	Partial bool

	at int // 1 + where Data is in Raw; 0: not in one piece
}

// Parse reads a block: raw is all its bytes. A block without a final blank line is read as well
// as it can be. Name, and Data unless it has several lines, are slices of raw.
func Parse(raw []byte) Event {
	ev := Event{Raw: raw}
	new(Parser).Parse(&ev)
	return ev
}

// Parser takes events apart, and keeps room for data of several lines. The zero value is ready.
// It is for one goroutine.
type Parser struct{ joined []byte }

// joinedBytesMax is how much room for data of several lines is kept.
const joinedBytesMax = 1 << 10

// Parse sets the Name and the Data of an event, as [Parse] does, by its Raw. Data of several
// lines is valid until the next call.
func (p *Parser) Parse(ev *Event) {
	raw, joined := ev.Raw, p.joined[:0]
	ev.Name, ev.Data, ev.at = nil, nil, 0
	for lines := (lineReader{b: raw}); lines.next(); {
		switch name, at := lines.field(); string(name) {
		case "event":
			ev.Name = raw[at:lines.end]
		case "data":
			switch value := raw[at:lines.end]; {
			case ev.Data == nil:
				ev.Data, ev.at = value, at+1
				continue
			case ev.at != 0:
				joined = append(joined, ev.Data...)
			}
			joined = append(append(joined, '\n'), raw[at:lines.end]...)
			ev.Data, ev.at = joined, 0
		}
	}
	if p.joined = joined; cap(joined) > joinedBytesMax {
		p.joined = nil // the event has it still
	}
}

// IsInOnePiece reports whether Data is a part of Raw, and not joined of lines.
func (e *Event) IsInOnePiece() bool { return e.at != 0 }

// RawAt returns where the byte of Data at offset i is in Raw. A line feed that joins two lines is
// at the end of the first; the end of Data is at the end of the last.
func (e *Event) RawAt(i int) int {
	if e.at != 0 {
		return e.at - 1 + i
	}
	for lines := (lineReader{b: e.Raw}); lines.next(); {
		name, at := lines.field()
		if string(name) != "data" {
			continue
		}
		if n := lines.end - at; i > n {
			i -= n + 1
			continue
		}
		return at + i
	}
	return len(e.Raw)
}

// lineReader goes through the lines of a block. A line ends with LF, CR or CR LF, or with the
// block. After a CR LF it finds an empty line more, which is no field and means nothing inside of
// a block.
type lineReader struct {
	b          []byte
	start, end int // the current line, without its end
	rest       int // where the next begins
}

func (l *lineReader) next() bool {
	if l.rest >= len(l.b) {
		return false
	}
	l.start = l.rest
	n := lineLen(l.b[l.start:])
	if n < 0 {
		n = len(l.b) - l.start
	}
	l.end = l.start + n
	l.rest = l.end + 1
	return true
}

// field splits the current line at its first colon. The value goes from value to the end of the
// line; one space after the colon does not belong to it. A comment has the empty name. A line
// without a colon is a field with the empty value.
func (l *lineReader) field() (name []byte, value int) {
	start := l.start
	if start == 0 && bytes.HasPrefix(l.b, byteOrderMark) {
		start += len(byteOrderMark)
	}
	line := l.b[start:l.end]
	colon := bytes.IndexByte(line, ':')
	if colon < 0 {
		return line, l.end
	}
	value = start + colon + 1
	if value < l.end && l.b[value] == ' ' {
		value++
	}
	return line[:colon], value
}

// byteOrderMark may begin a stream. It is also skipped at the start of any other block, where no
// server writes it.
var byteOrderMark = []byte("\uFEFF")

// lineLen returns the length of the line at the start of b, without its end, or -1 where b has no
// end of a line. It looks for both kinds of end a window at a time, so that a text with only one
// of them is not searched again and again for the other.
func lineLen(b []byte) int {
	const window = 1024
	for start := 0; start < len(b); start += window {
		w := b[start:min(start+window, len(b))]
		if lf := bytes.IndexByte(w, '\n'); lf >= 0 {
			w = w[:lf]
			if cr := bytes.IndexByte(w, '\r'); cr >= 0 {
				return start + cr
			}
			return start + lf
		}
		if cr := bytes.IndexByte(w, '\r'); cr >= 0 {
			return start + cr
		}
	}
	return -1
}
