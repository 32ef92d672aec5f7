package books

import (
	"bufio"
	"encoding/json"
	"io"
	"strings"

	"github.com/token-rate-limiter/token-rate-limiter/internal/mockvllm"
)

// events reads server-sent events as a client does (WHATWG HTML, "Server-sent
// events"), and owes nothing to the reader that the gateway has.
type events struct {
	*bufio.Reader
	afterCR bool
}

func newEvents(r io.Reader) *events { return &events{Reader: bufio.NewReader(r)} }

// next returns the data of the next event that has some.
func (e *events) next() (string, error) {
	var data []string
	for {
		line, err := e.line()
		if err != nil {
			return "", err
		}
		if line == "" && data != nil {
			return strings.Join(data, "\n"), nil
		}
		if value, ok := strings.CutPrefix(strings.TrimPrefix(line, "\ufeff"), "data:"); ok {
			data = append(data, strings.TrimPrefix(value, " "))
		}
	}
}

// line returns the next line as soon as its end has come: the LF of a CRLF is
// dropped with the next one.
func (e *events) line() (string, error) {
	var line []byte
	for {
		b, err := e.ReadByte()
		if err != nil {
			return "", err
		}
		lf := b == '\n' && e.afterCR && len(line) == 0
		e.afterCR = b == '\r'
		switch {
		case lf:
		case b == '\n' || b == '\r':
			return string(line), nil
		default:
			line = append(line, b)
		}
	}
}

// answer has the members of every endpoint's answers and events that carry
// generated text, or tell of an error.
type answer struct {
	Type    string          `json:"type"`
	Error   json.RawMessage `json:"error"`
	Delta   json.RawMessage `json:"delta"` // messages: an object; responses: a string
	Choices []struct {
		Text    string `json:"text"`
		Delta   text   `json:"delta"`
		Message text   `json:"message"`
	} `json:"choices"`
	Content []text `json:"content"`
	Output  []struct {
		Content []text `json:"content"`
	} `json:"output"`
}

type text struct {
	Content string `json:"content"`
	Text    string `json:"text"`
}

func (t text) tokens() int64 { return mockvllm.CountTokens(t.Content) + mockvllm.CountTokens(t.Text) }

// tokensOf returns how many generated tokens an answer or event carries, and
// whether it is sound: no error and well formed. Each token of the stand-in is a
// token also by itself.
func tokensOf(data []byte) (n int64, ok bool) {
	if string(data) == done {
		return 0, true
	}
	var a answer
	if json.Unmarshal(data, &a) != nil || a.Error != nil || a.Type == "error" {
		return 0, false
	}
	for _, c := range a.Choices {
		n += mockvllm.CountTokens(c.Text) + c.Delta.tokens() + c.Message.tokens()
	}
	for _, t := range a.Content {
		n += t.tokens()
	}
	for _, o := range a.Output {
		for _, t := range o.Content {
			n += t.tokens()
		}
	}
	switch a.Type {
	case "response.output_text.delta":
		var piece string
		ok = json.Unmarshal(a.Delta, &piece) == nil
		return n + mockvllm.CountTokens(piece), ok
	case "content_block_delta":
		var piece text
		ok = json.Unmarshal(a.Delta, &piece) == nil
		return n + piece.tokens(), ok
	}
	return n, true
}

const done = "[DONE]"

// ends reports whether an event is the last one of a stream.
func ends(data string) bool {
	return data == done || strings.Contains(data, `"type":"message_stop"`) || strings.Contains(data, `"type":"response.completed"`)
}
