package answer

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/internal/wire"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/chars"
)

// TestPassageText: without a usage the text counts, and what belongs to log
// probabilities or stands on the first level is none.
func TestPassageText(t *testing.T) {
	body := []byte(`{"id":"no text","choices":[{"logprobs":{"content":[{"token":"no","top_logprobs":[{"token":"no"}]}]},"message":{"content":"Hello there"}}],"prompt_logprobs":[{"a":"no"}]}`)
	var want chars.Text
	want.Add([]byte("Hello there"))
	p := NewPassage(wire.ChatCompletions, "")
	passed(p, body, func() int { return 5 })
	if got := p.Text(); !got.Equal(want) {
		t.Errorf("%d bytes of text, want %d", got.Bytes(), want.Bytes())
	}
	p = NewPassage(wire.Embeddings, "")
	if passed(p, body, func() int { return 5 }); p.text.Bytes() != 0 {
		t.Error("embeddings have text")
	}
}

// TestPassageTextIsThatOfTheWhole: what was generated is the same text whether an answer
// is held or passed on, whatever it has beside the text and wherever that stands.
func TestPassageTextIsThatOfTheWhole(t *testing.T) {
	for seed := range uint64(800) {
		r := rand.New(rand.NewPCG(seed, 3))
		e := []wire.Endpoint{wire.ChatCompletions, wire.Completions, wire.Messages, wire.Responses, wire.Embeddings}[r.IntN(5)]
		body := fmt.Appendf(nil, `{"id":"no text","choices":%s,"output":%s,"content":%s,"audio":{"data":"no text"}}`,
			textValue(r, 0), textValue(r, 0), textValue(r, 0))
		p, most := NewPassage(e, ""), 1+r.IntN(60)
		passed(p, body, func() int { return 1 + r.IntN(most) })
		if got, want := p.Text(), Text(e, body); !got.Equal(want) || !p.Whole() {
			t.Fatalf("with the seed %d: %v: %d bytes of text, want %d, in %.400s", seed, e, got.Bytes(), want.Bytes(), body)
		}
	}
}

// textValue returns a value with the names that matter to text, and others, where they
// may stand and where they may not. Reasoning is told twice, as servers do that have
// renamed it.
func textValue(r *rand.Rand, depth int) string {
	var parts []string
	switch kind := r.IntN(8); {
	case kind < 1:
		return []string{"0", "null", "true"}[r.IntN(3)]
	case kind < 3 && depth > 0 || depth > 4:
		return []string{`""`, `"some words"`, `"한국어 텍스트"`, `"UklGRiT6AQBXQVZFZm10"`, `"a line\n\t\tand \"more\" \\"`, `"\ud55c\uae00 \ud83d\ude00\u00e9"`}[r.IntN(6)]
	case kind < 5:
		for range 1 + r.IntN(3) {
			parts = append(parts, textValue(r, depth+1))
		}
		return "[" + strings.Join(parts, ",") + "]"
	}
	names := strings.Fields("message delta text content refusal tool_calls function function_call name arguments summary thinking partial_json " +
		"audio data transcript logprobs prompt_logprobs token annotations x")
	r.Shuffle(len(names), func(i, k int) { names[i], names[k] = names[k], names[i] })
	for _, name := range names[:3+r.IntN(8)] {
		parts = append(parts, fmt.Sprintf("%q:%s", name, textValue(r, depth+1)))
	}
	if r.IntN(2) == 0 {
		parts = append(parts, `"reasoning":"because it is so","reasoning_content":"because it is so"`)
	}
	return "{" + strings.Join(parts, ",") + "}"
}

// TestPassageOfAudio: a recording in an answer is no text, and neither is what else is
// not in the words of the model.
func TestPassageOfAudio(t *testing.T) {
	body := []byte(`{"choices":[{"message":{"content":"hi","audio":{"id":"a","data":"` + strings.Repeat("UklGR 1 2 3 ", 1000) + `","transcript":"hi"}}}]}`)
	for _, e := range []wire.Endpoint{wire.ChatCompletions, wire.Messages, wire.Responses} {
		p := NewPassage(e, "")
		if !bytes.Equal(passed(p, body, func() int { return 99 }), body) {
			t.Error("it is not passed on as it is")
		}
		if got, want := p.Text(), Text(e, body); !got.Equal(want) {
			t.Errorf("%v: %d bytes of text, want %d", e, got.Bytes(), want.Bytes())
		}
	}
}

// TestPassageOfBadEscapes: what is no escape is passed on like all else, wherever it is cut.
func TestPassageOfBadEscapes(t *testing.T) {
	for _, text := range []string{`\q`, `\u12`, `\u12zz and more`, `\ud83d`, `\ud83d\n`, `\ud83d\u12`, `\ud83dand more of it`, `\\\u`, `\ude00\ud83d\ud83d\ude00\uzzzz\uzzzz`} {
		body := []byte(`{"choices":[{"text":"` + text + `"},{"text":"next"}]}`)
		for size := range len(body) {
			p := NewPassage(wire.Completions, "")
			got := passed(p, body, func() int { return size })
			if !bytes.Equal(got, body) || p.Text().Bytes() < int64(len("next")) {
				t.Errorf("in pieces of %d, %s is passed on as %s, with %d bytes of text", size, body, got, p.Text().Bytes())
			}
		}
	}
}
