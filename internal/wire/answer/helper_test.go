package answer

import (
	"bytes"

	"github.com/token-rate-limiter/token-rate-limiter/internal/wire"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/chars"
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
