package answer

import (
	"bytes"
	"io"

	"github.com/token-rate-limiter/token-rate-limiter/internal/wire"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/chars"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/sse"
)

func counted(s string) chars.Text {
	var t chars.Text
	t.Add([]byte(s))
	return t
}

// renamed appends to dst the body of an answer with the name of the model replaced.
func renamed(a *Answer, dst, body []byte, model string) []byte {
	return append(dst, bytes.Join(a.AppendPieces(nil, body, model), nil)...)
}

// newStream returns a Stream for an answer of the endpoint.
func newStream(e wire.Endpoint, o StreamOptions) *Stream {
	s := new(Stream)
	s.Reset(e, o)
	return s
}

// newScanner returns what splits r into events.
func newScanner(r io.Reader) *sse.Scanner {
	s := new(sse.Scanner)
	s.Reset(r)
	return s
}
