package proxy

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/token-rate-limiter/token-rate-limiter/internal/wire"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/answer"
)

// TestReadBehind: the end of an answer is found before its last bytes are written,
// however full the piece is that they come in, and nothing of it is lost.
func TestReadBehind(t *testing.T) {
	object := `{"choices":[{"message":{"content":"Hello"}}],"usage":{"prompt_tokens":1,"completion_tokens":2}}`
	for _, tt := range []struct {
		name, come, behind string
		room               int // of the piece beyond what has come
		length             int64
		ended              bool
	}{
		{"a full piece", object, "", 0, -1, true},
		{"room for a byte", object, "", 1, -1, true},
		{"a line break behind it", object, "\n", 0, -1, true},
		{"some white space", object, strings.Repeat(" ", behindBytes-1), 0, -1, true},
		{"white space in the piece and behind it", object, strings.Repeat(" ", behindBytes), 9, -1, true},
		{"white space without end", object, strings.Repeat(" ", 1<<10), 0, -1, false},
		{"no object, of a length that was told", "[7]", "", 0, 3, true},
		{"no object, of any length", "[7]", "", 0, -1, false},
		{"the middle", object[:40], object[40:], 0, int64(len(object)), false},
	} {
		for how, slowly := range map[string]func(io.Reader) io.Reader{
			"at once": func(r io.Reader) io.Reader { return r }, "with its end": iotest.DataErrReader, "byte by byte": iotest.OneByteReader,
		} {
			s := &passing{passage: answer.NewPassage(wire.ChatCompletions, ""), behind: make([]byte, 0, behindBytes)}
			piece := append(make([]byte, 0, len(tt.come)+tt.room), tt.come...)
			s.pieces = s.passage.Pass(nil, piece)
			piece, err := s.readBehind(slowly(strings.NewReader(tt.behind)), piece, tt.length)
			if (err == io.EOF) != tt.ended {
				t.Errorf("%s, %s: the end is found: %v, want %v", tt.name, how, err, tt.ended)
			}
			got := string(bytes.Join(s.pieces, nil))
			if !strings.HasPrefix(got, tt.come) || !strings.HasPrefix(tt.come+tt.behind, got) || tt.ended && got != tt.come+tt.behind || len(piece) < len(tt.come) {
				t.Errorf("%s, %s: %q is to be written", tt.name, how, got)
			}
		}
	}
}
