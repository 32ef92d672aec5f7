package mockvllm

import (
	"net/http"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
)

// TestInstance keeps what is made of each kind of schema; the text stands where
// the hole is.
func TestInstance(t *testing.T) {
	for _, tt := range []struct{ schema, want string }{
		{`{"type":"string"}`, `"…"`},
		{`{"type":["string","null"]}`, `"…"`},
		{`{"properties":{"a":{"type":"string"},"b":{"type":"string"}}}`, `{"a": "…", "b": ""}`},
		{`{"properties":{"b":{"const":7},"a":{"enum":["x","y"]}}}`, `{"b": 7, "a": "x"}`},
		{`{"properties":{"n":{"type":"number","minimum":2.5},"i":{"type":"integer"},"b":{"type":"boolean"},"z":{"type":"null"}}}`,
			`{"n": 2.5, "i": 0, "b": true, "z": null}`},
		{`{"type":"array","items":{"type":"integer"},"minItems":2}`, `[0, 0]`},
		{`{"type":"array","items":{"type":"integer"}}`, `[]`},
		{`{"anyOf":[{"type":"object"},{"type":"string"}]}`, `{}`},
		{`{"properties":{"p":{"$ref":"#/$defs/p"}},"$defs":{"p":{"properties":{"t":{"type":"string"}}}}}`, `{"p": {"t": "…"}}`},
	} {
		i := instance{root: jsontext.Value(tt.schema)}
		if text := i.value(i.root, 0); i.err != nil {
			t.Errorf("%s: %v", tt.schema, i.err)
		} else if got := strings.ReplaceAll(text, hole, "…"); got != tt.want {
			t.Errorf("%s gives %s, want %s", tt.schema, got, tt.want)
		}
	}
}

// TestRefusedFormats sends formats that no answer can be made of.
func TestRefusedFormats(t *testing.T) {
	schema := func(s string) string { return `{"type":"json_schema","json_schema":{"schema":` + s + `}}` }
	for _, tt := range []struct{ format, want string }{
		{`{"type":"xml"}`, "xml"},
		{schema(`{"type":"integer"}`), "no"},
		{schema(`7`), "Invalid schema"},
		{schema(`{"type":[]}`), "its type is"},
		{schema(`{"$ref":"#/$defs/x"}`), `it has no`},
		{schema(`{"$ref":"#"}`), "deeper than"},
		{schema(`{"type":"array","minItems":1}`), "Invalid schema"},
	} {
		s := New(Options{})
		answer := call(s, http.MethodPost, "/v1/chat/completions", "", `{"model":"mock","messages":[],"response_format":`+tt.format+`}`)
		if body := answer.Body.String(); answer.Code != http.StatusBadRequest || !strings.Contains(body, tt.want) {
			t.Errorf("%s is answered with %d: %s; want 400 with %q", tt.format, answer.Code, body, tt.want)
		}
	}
}
