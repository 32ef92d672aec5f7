package proxy

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/token-rate-limiter/token-rate-limiter/internal/upstream"
)

// decodedBytesMax bounds an answer that came encoded although none was asked for: a
// few bytes may stand for very many.
const decodedBytesMax = 16 << 20

// contentCoding returns the coding of an answer's body in lower case, several with
// commas between; "" where it is what it says.
func contentCoding(h upstream.Header) string {
	values := h.Values("Content-Encoding")
	if values == nil {
		return ""
	}
	var codings []string
	for _, value := range values {
		for coding := range strings.SplitSeq(value, ",") {
			coding = strings.ToLower(strings.Trim(coding, " \t"))
			if coding != "" && coding != "identity" {
				codings = append(codings, coding)
			}
		}
	}
	return strings.Join(codings, ", ")
}

// codingError says that an answer cannot be read because of how it is encoded.
type codingError struct {
	coding string
	cause  error // nil: the coding is none that can be undone here
}

func (e *codingError) Error() string {
	said := fmt.Sprintf("the model server's answer is encoded as %.40q ", e.coding)
	if e.cause != nil {
		return said + "and cannot be decoded: " + e.cause.Error()
	}
	return said + "although it was asked not to encode it: switch that off there"
}

func (e *codingError) Unwrap() error { return e.cause }

// errDecodedTooLarge says that an answer is larger than decodedBytesMax, or than there
// is room for.
var errDecodedTooLarge = errors.New("it is too large")

// decode undoes the coding of the answer in x.answer. It was asked for without one,
// and goes on without one, so that what clients get is what its header says.
func (x *exchange) decode() error {
	coding := contentCoding(x.response.Header)
	if coding == "" {
		return nil
	}
	x.patched, x.answer = x.answer, x.patched[:0] // what is held of both is counted
	decoder, err := newDecoder(coding, x.patched)
	if decoder == nil && err == nil {
		return &codingError{coding: coding}
	}
	switch err {
	case nil:
		err = x.readUpTo(decoder, decodedBytesMax)
	case io.EOF: // there is nothing to decode
		err = io.ErrUnexpectedEOF
	}
	if err == nil {
		err = errDecodedTooLarge
	}
	if err != io.EOF {
		x.answer = x.answer[:0]
		return &codingError{coding, err}
	}
	return nil
}

// newDecoder returns a reader of what b is an encoding of; nil where the coding is not
// known. What RFC 9110 calls deflate is zlib's format; some send what is inside of it.
func newDecoder(coding string, b []byte) (io.Reader, error) {
	switch coding {
	case "gzip", "x-gzip":
		return gzip.NewReader(bytes.NewReader(b))
	case "deflate":
		r, err := zlib.NewReader(bytes.NewReader(b))
		if err != nil {
			return flate.NewReader(bytes.NewReader(b)), nil
		}
		return r, nil
	}
	return nil, nil
}
