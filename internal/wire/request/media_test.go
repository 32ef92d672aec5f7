package request

import (
	"strings"
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/internal/wire"
)

// TestReferences: media is a URL that is not long, or base64; a text under its name is not.
func TestReferences(t *testing.T) {
	long := strings.Repeat("Zm9v", urlMax)
	for _, tt := range []struct {
		name           string
		s              string
		inURL, inPlain bool // where it is a reference
	}{
		{"a URL", "https://h/a.png?b=%20&c=d#e", true, true},
		{"a path", "file:///a/b.png", true, true},
		{"data", "data:image/png;base64,Zm9v+/==", true, true},
		{"data of any case", "DATA:image/png;base64,-_", true, true},
		{"long data", "data:image/png;base64," + long, true, true},
		{"pictures of a video", "data:video/jpeg;base64," + long + "," + long, true, true},
		{"base64", long, false, true},
		{"a long URL", "https://h/" + long + "?", false, false},
		{"data that is no base64", "data:text/plain," + long + "?", false, false},
		{"data with a text in it", "data:image/png;base64," + long + "#a#text", false, false},
		{"words", "the quick brown fox", false, false},
		{"words on lines", strings.Repeat("the\nquick\n", 999), false, false},
		{"words and marks", strings.Repeat("the#quick~", 999), false, false},
		{"what JSON prints longer", "\x00\x01", false, false},
		{"quotes", `"`, false, false},
		{"markup", "<b>", false, false},
		{"no ASCII", "안녕하세요", false, false},
	} {
		if got := isReference([]byte(tt.s), false); got != tt.inURL {
			t.Errorf("%s: a URL: %v, want %v", tt.name, got, tt.inURL)
		}
		if got := isReference([]byte(tt.s), true); got != tt.inPlain {
			t.Errorf("%s: a URL or base64: %v, want %v", tt.name, got, tt.inPlain)
		}
	}
}

func BenchmarkIsReference(b *testing.B) {
	s := []byte("data:image/png;base64," + strings.Repeat("Zm9v", 1<<18))
	b.SetBytes(int64(len(s)))
	for b.Loop() {
		if !isReference(s, false) {
			b.Fatal("it is none")
		}
	}
}

// TestEscapedWords: what is compared with the protocol's words and is none of them counts
// as the text that it is, whatever escapes it is written with.
func TestEscapedWords(t *testing.T) {
	for _, text := range []string{`\\`, `a\\`, `\"`, `\\u0041`, `\\\\u00`, `\u005c`, `\u005cu12`, `\ud55c\\`} {
		for _, part := range []string{
			`{"type":"%"}`, `{"type":"image_url","image_url":"% %"}`, `{"type":"image_url","image_url":{"url":"% %"}}`,
			`{"image_url":"% %","type":"image_url"}`, `{"type":"input_audio","input_audio":{"data":"%#"}}`, `{"%":"%","type":"text","text":"%"}`,
		} {
			for _, e := range []wire.Endpoint{wire.ChatCompletions, wire.Messages, wire.Responses, wire.Embeddings, wire.Rerank, wire.Score} {
				list := `[{"role":"%","content":[` + part + `]}]`
				body := `{"max_tokens":1,"messages":` + list + `,"input":` + list + `,"query":` + part + `,"documents":[` + part + `],"%":"%","tool_choice":"%"}`
				if r := parseOK(t, e, strings.ReplaceAll(body, "%", text), Options{}); r.Text.Bytes() == 0 {
					t.Errorf("%s: %s in %s is no text", e, text, part)
				}
			}
		}
	}
}
