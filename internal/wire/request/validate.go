package request

import (
	"bytes"
	"errors"
	"io"
	"sync"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/token-rate-limiter/token-rate-limiter/internal/failure"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/jsonscan"
)

// pooledBodyMax is the size in bytes of the largest body after which a validator is kept for the
// next one: what a large body made it allocate (the names of its objects) shall not stay behind.
const pooledBodyMax = 64 << 10

// validator checks bodies. It exists to reuse the decoder's memory.
type validator struct {
	decoder jsontext.Decoder
	buffer  bytes.Buffer
}

var validators = sync.Pool{New: func() any { return new(validator) }}

// validate reports why body is not one JSON object and nothing else, or nil if it is: RFC 8259
// without its leeway, which is RFC 7493 (I-JSON). Member names that occur twice at any depth,
// however they are escaped, invalid UTF-8, lone surrogates and a byte order mark are refused: two
// parsers that read such a body differently would be a way around a limit.
//
// It is the judge of request bodies. A [Parse] that has met nothing but the ordinary knows its
// answer, and does not ask: see parse.isSound.
func validate(body []byte) *failure.Error {
	v := validators.Get().(*validator)
	end, err := v.read(body)
	if len(body) <= pooledBodyMax {
		validators.Put(v)
	}
	switch {
	case err != nil:
		return explain(body, err)
	case len(bytes.TrimLeft(body[end:], jsonscan.Space)) > 0:
		return failure.InvalidRequest("",
			"the body goes on after its JSON value, at byte %d: send one JSON object", end)
	case bytes.TrimLeft(body, jsonscan.Space)[0] != '{':
		return failure.InvalidRequest("",
			"the body is a JSON value, but no object: send one JSON object")
	}
	return nil
}

// read consumes one JSON value and returns the offset of its end.
func (v *validator) read(body []byte) (int, error) {
	// From a bytes.Buffer the decoder reads in place, without copying and without changing it.
	v.buffer = *bytes.NewBuffer(body)
	v.decoder.Reset(&v.buffer)
	_, err := v.decoder.ReadValue()
	end := int(v.decoder.InputOffset())
	v.buffer = bytes.Buffer{}
	v.decoder.Reset(&v.buffer) // lets go of the body
	return end, err
}

// explain turns a decoder's error into words that quote nothing of the body.
func explain(body []byte, err error) *failure.Error {
	var at int64
	if syntax := (*jsontext.SyntacticError)(nil); errors.As(err, &syntax) {
		at = syntax.ByteOffset
	}
	_, isLoneHalf := jsonscan.EscapeLen(body[min(at, int64(len(body))):])
	switch {
	case errors.Is(err, io.EOF):
		return failure.InvalidRequest("", "the body is empty: send one JSON object")
	case errors.Is(err, jsontext.ErrDuplicateName):
		return failure.InvalidRequest("",
			"the body has a member twice in one object, the second at byte %d: parsers disagree "+
				"about which one counts", at)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return failure.InvalidRequest("",
			"the body ends before its JSON does, after %d bytes", len(body))
	case bytes.HasPrefix(body, []byte("\xef\xbb\xbf")):
		return failure.InvalidRequest("",
			"the body begins with a byte order mark: send plain UTF-8")
	case isLoneHalf:
		return failure.InvalidRequest("",
			"the body has half of a surrogate pair (an escape from \\ud800 to \\udfff) without "+
				"the other half, at byte %d: "+
				"text may have been cut within a character; send whole characters", at)
	case !utf8.Valid(body):
		return failure.InvalidRequest("", "the body is not valid UTF-8, at byte %d", at)
	}
	return failure.InvalidRequest("", "the body is not valid JSON, at byte %d", at)
}
