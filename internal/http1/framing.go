package http1

import (
	"bytes"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/token-rate-limiter/token-rate-limiter/internal/httpsyntax"
)

// What is refused although net/http takes it: something in front of the gateway may
// read it in another way, and see the end of the request in another place (RFC 9112,
// sections 2.2, 5.2, 6.1, 6.3 and 7.1.1).
var (
	errBareLF    = errors.New("a line ends with LF alone")
	errFold      = errors.New("a field goes on in the next line")
	errOldCoding = errors.New("HTTP/1.0 has no Transfer-Encoding")
	errBoth      = errors.New("there are both a Transfer-Encoding and a Content-Length")
	errChunkLine = errors.New("the line of a chunk has a control character")
)

// lineKind is what a line of a request is.
type lineKind int

const (
	requestLine lineKind = iota
	field
	chunkLine
	chunkEnd
	trailer
)

// framing follows the requests of a connection, one after the other, as net/http reads them, and
// tells where one of them could be read in another way. What net/http refuses anyway is refused by
// net/http, which ends the connection. The zero value is before the first request.
type framing struct {
	line      []byte   // of which the end has not come
	next      lineKind // what it is
	remaining uint64   // bytes of the body, or of the chunk, that come before the next line
	lost      bool     // net/http ends the connection: what comes means nothing

	old, coded, counted bool // HTTP/1.0; a transfer coding or a length was told
	length              uint64
}

// see takes the bytes that come next. It returns how many of them are beyond doubt, and
// what is wrong with the next one.
func (f *framing) see(b []byte) (sure int, err error) {
	for sure < len(b) && !f.lost {
		if f.remaining > 0 {
			n := min(f.remaining, uint64(len(b)-sure)) // #nosec G115 -- sure is below len(b)
			f.remaining -= n
			sure += int(n) // #nosec G115 -- at most len(b)
			continue
		}
		line, _, whole := bytes.Cut(b[sure:], []byte("\n"))
		f.line = append(f.line, line...)
		sure += len(line)
		if !whole {
			return sure, nil
		}
		if err := f.lineEnds(); err != nil {
			return sure, err
		}
		f.line = f.line[:0]
		sure++
	}
	return len(b), nil
}

// lineEnds takes the line, whose LF has come.
func (f *framing) lineEnds() error {
	line, isWhole := bytes.CutSuffix(f.line, []byte("\r"))
	switch {
	case f.next == requestLine && len(line) == 0:
		return nil // some send line ends behind a body
	case !isWhole:
		return errBareLF
	}
	switch f.next {
	case requestLine:
		return f.begin(string(line))
	case field:
		if len(line) == 0 {
			f.headEnds()
			return nil
		}
		return f.field(string(line))
	case chunkLine:
		return f.chunk(line)
	case chunkEnd:
		f.next, f.lost = chunkLine, len(line) > 0
	case trailer:
		if len(line) == 0 {
			f.next = requestLine
		}
		return folded(string(line))
	}
	return nil
}

// begin takes a request line.
func (f *framing) begin(line string) error {
	_, version, _ := strings.Cut(line[strings.IndexByte(line, ' ')+1:], " ")
	major, minor, ok := http.ParseHTTPVersion(version)
	*f = framing{line: f.line, next: field, old: minor == 0, lost: !ok || major != 1}
	return nil
}

// field takes a line of the head.
func (f *framing) field(line string) error {
	name, value, _ := strings.Cut(line, ":")
	switch value = httpsyntax.Trim(value); {
	case httpsyntax.EqualFold(name, "transfer-encoding"):
		f.lost = f.lost || f.coded || !httpsyntax.EqualFold(value, "chunked")
		f.coded = true
	case httpsyntax.EqualFold(name, "content-length"):
		length, err := strconv.ParseUint(value, 10, 63)
		f.lost = f.lost || err != nil || f.counted && length != f.length
		f.counted, f.length = true, length
	}
	switch {
	case f.coded && f.old:
		return errOldCoding
	case f.coded && f.counted:
		return errBoth
	}
	return folded(line)
}

// folded refuses a line that goes on with the one before.
func folded(line string) error {
	if strings.HasPrefix(line, " ") || strings.HasPrefix(line, "\t") {
		return errFold
	}
	return nil
}

// headEnds takes the end of the head.
func (f *framing) headEnds() {
	f.next = requestLine
	if f.coded {
		f.next = chunkLine
	}
	f.remaining = f.length
	if cap(f.line) > inputBytes {
		f.line = nil // most heads have no line as long
	}
}

// chunk takes the line that a chunk begins with.
func (f *framing) chunk(line []byte) error {
	if !httpsyntax.ValidValue(line) {
		return errChunkLine
	}
	digits, _, _ := strings.Cut(strings.TrimRight(string(line), " \t"), ";")
	size, err := strconv.ParseUint(digits, 16, 64)
	f.lost, f.next, f.remaining = err != nil, chunkEnd, size
	if size == 0 {
		f.next = trailer
	}
	return nil
}
