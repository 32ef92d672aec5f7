package chars

import (
	"bytes"
	"unicode/utf8"

	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/jsonscan"
)

// AddJSON adds raw with its escapes decoded: a client's \uc548 reaches the model as one Korean
// syllable. raw is a valid JSON string without its quotes, or any other valid JSON. It returns how
// many bytes a template adds that prints the text as JSON again, with its own escapes.
func (t *Text) AddJSON(raw []byte) (escapes int64) {
	var buffer [256]byte // of decoded escapes, and short stretches between them
	decoded := buffer[:0]
	for len(raw) > 0 {
		n := bytes.IndexByte(raw, '\\')
		if n < 0 {
			n = len(raw)
		}
		if len(decoded)+n > len(buffer)-utf8.UTFMax {
			t.Add(decoded)
			decoded = buffer[:0]
		}
		if n > len(buffer)/4 {
			t.Add(decoded)
			decoded = buffer[:0]
			t.Add(raw[:n])
		} else {
			decoded = append(decoded, raw[:n]...)
		}
		if raw = raw[n:]; len(raw) > 0 {
			r, size := jsonscan.DecodeEscape(raw)
			escapes += escapeBytes(r)
			decoded = utf8.AppendRune(decoded, r)
			raw = raw[size:]
		}
	}
	t.Add(decoded)
	return escapes
}

// escapeBytes returns how many bytes longer than in UTF-8 a character must be in JSON.
func escapeBytes(r rune) int64 {
	switch r {
	case '"', '\\', '\b', '\f', '\n', '\r', '\t':
		return 1
	}
	if r < ' ' {
		return int64(len(`\u0000`) - 1)
	}
	return 0
}
