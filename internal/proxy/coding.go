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
	if e.cause != nil {
		return fmt.Sprintf("the model server's answer is encoded as %.40q and cannot be decoded: %v", e.coding, e.cause)
	}
	return fmt.Sprintf("the model server's answer is encoded as %.40q although it was asked not to encode it: switch that off there", e.coding)
}

func (e *codingError) Unwrap() error { return e.cause }

var errDecodedTooLarge = errors.New("it is too large")

// decode undoes the coding of the answer in x.answer. It was asked for without one,
// and goes on without one, so that what clients get is what its header says.
func (x *exchange) decode() error {
	coding := contentCoding(x.response.Header)
	if coding == "" {
		return nil
	}
	plain, err := decoded(coding, x.answer)
	x.answer = append(x.answer[:0], plain...)
	return err
}

// decoded returns what b is an encoding of; nothing with an error.
func decoded(coding string, b []byte) ([]byte, error) {
	r, err := decoder(coding, b)
	if r == nil && err == nil {
		return nil, &codingError{coding: coding}
	}
	if err != nil {
		return nil, &codingError{coding, err}
	}
	plain, err := io.ReadAll(io.LimitReader(r, decodedBytesMax+1))
	if err == nil && len(plain) > decodedBytesMax {
		err = errDecodedTooLarge
	}
	if err != nil {
		return nil, &codingError{coding, err}
	}
	return plain, nil
}

// decoder returns a reader of what b is an encoding of; nil where the coding is not
// known. What RFC 9110 calls deflate is zlib's format; some send what is inside of it.
func decoder(coding string, b []byte) (io.Reader, error) {
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
