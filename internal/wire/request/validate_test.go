package request

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/internal/failure"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire"
)

// TestParseRequestHostile has bodies that some parser somewhere accepts, or that
// cost one dearly.
func TestParseRequestHostile(t *testing.T) {
	nested := func(open, inner, closing string, n int) string {
		return strings.Repeat(open, n) + inner + strings.Repeat(closing, n)
	}
	for _, tt := range []struct{ name, body, want string }{
		{"nothing", "", "is empty"},
		{"white space", " \n", "is empty"},
		{"half an object", `{"a":1`, "ends before its JSON does, after 6 bytes"},
		{"half a string", `{"a":"b`, "ends before its JSON does"},
		{"a list", `[{}]`, "but no object"},
		{"a string", `"x"`, "but no object"},
		{"null", ` null`, "but no object"},
		{"two objects", `{}{}`, "goes on after its JSON value, at byte 2"},
		{"an object and a letter", "{} \nx", "goes on after its JSON value, at byte 2"},
		{"an object and a zero byte", "{}\x00", "goes on after its JSON value"},
		{"byte order mark", "\xef\xbb\xbf{}", "byte order mark"},
		{"UTF-16", "{\x00}\x00", "not valid JSON, at byte 1"},
		{"UTF-16 with a mark", "\xff\xfe{\x00}\x00", "not valid UTF-8"},
		{"Latin-1", "{\"a\":\"\xe9\"}", "not valid UTF-8, at byte 6"},
		{"overlong slash", "{\"a\":\"\xc0\xaf\"}", "not valid UTF-8"},
		{"surrogate in UTF-8", "{\"a\":\"\xed\xa0\x80\"}", "not valid UTF-8"},
		{"lone high surrogate", `{"a":"\ud800"}`, "half of a surrogate pair (an escape from \\ud800 to \\udfff) without the other half, at byte 6"},
		{"lone low surrogate", `{"a":"\udc00x"}`, "half of a surrogate pair (an escape from \\ud800 to \\udfff) without the other half, at byte 6"},
		{"reversed surrogates", `{"a":"\ude00\ud83d"}`, "half of a surrogate pair (an escape from \\ud800 to \\udfff) without the other half, at byte 6"},
		{"lone surrogate in a name", `{"\ud800":1}`, "half of a surrogate pair (an escape from \\ud800 to \\udfff) without the other half, at byte 2"},
		{"half a pair and half an escape", `{"a":"xy\ud83d\u00"}`, "half of a surrogate pair (an escape from \\ud800 to \\udfff) without the other half, at byte 8"},
		{"half a pair and bad UTF-8", "{\"a\":\"\\ud83d\",\"b\":\"\xff\"}", "without the other half, at byte 6"},
		{"bad UTF-8 and half a pair", "{\"b\":\"\xff\",\"a\":\"\\ud83d\"}", "not valid UTF-8, at byte 6"},
		{"the end after half a pair", `{"a":"\ud83d`, "ends before its JSON does"},
		{"NaN", `{"max_tokens":NaN}`, "not valid JSON"},
		{"Infinity", `{"max_tokens":-Infinity}`, "not valid JSON"},
		{"single quotes", `{'a':1}`, "not valid JSON"},
		{"comment", `{/**/"a":1}`, "not valid JSON"},
		{"trailing comma", `{"a":1,}`, "not valid JSON"},
		{"leading zero", `{"n":01}`, "not valid JSON"},
		{"hexadecimal", `{"n":0x10}`, "not valid JSON"},
		{"plus sign", `{"n":+1}`, "not valid JSON"},
		{"bare dot", `{"n":1.}`, "not valid JSON"},
		{"line feed in a string", "{\"a\":\"\n\"}", "not valid JSON"},
		{"unknown escape", `{"a":"\x41"}`, "not valid JSON"},
		{"true with a capital", `{"stream":True}`, "not valid JSON"},
		{"a name twice", `{"model":"a","model":"b"}`, "a member twice in one object, the second at byte 13"},
		{"a name twice, escaped", `{"model":"a","mod\u0065l":"b"}`, "a member twice"},
		{"an unknown name twice", `{"x":1,"x":1}`, "a member twice"},
		{"a name twice in a message", `{"messages":[{"content":"a","content":"b"}]}`, "a member twice"},
		{"a name twice deep down", `{"x":[[{"y":{"z":1,"\u007a":2}}]]}`, "a member twice"},
		{"a name twice among many", `{` + manyNames(5000) + `"k17":0}`, "a member twice"},
		{"deep lists", `{"x":` + nested("[", "", "]", 5000) + `}`, "nested more than 128 deep"},
		{"deep objects", nested(`{"x":`, "1", "}", 5000), "nested more than 128 deep"},
		{"deep content", `{"messages":` + nested("[", "", "]", 200) + `}`, "nested more than 128 deep"},
		{"deep parts", `{"messages":[` + nested(`{"content":[`, "", "]}", 100) + `]}`, "nested more than 128 deep"},
		{"deep number", `{"n":` + nested("[", "", "]", 200) + `}`, "nested more than 128 deep"},
		{"deep tools", `{"tools":` + nested("[", "", "]", 200) + `}`, "nested more than 128 deep"},
		{"deeper than the decoder goes", nested("[", "", "]", 1_000_000), "not valid JSON"},
		{"endless nesting", strings.Repeat(`{"x":[`, 500_000), "not valid JSON"},
	} {
		_, err := Parse(wire.ChatCompletions, []byte(tt.body), Options{})
		var e *failure.Error
		switch {
		case !errors.As(err, &e):
			t.Errorf("%s: error %v, want an *failure.Error", tt.name, err)
		case e.Kind != failure.KindInvalidRequest || e.Param != "" && !strings.Contains(tt.want, "nested"):
			t.Errorf("%s: %v about %q, want invalid_request about nothing", tt.name, e.Kind, e.Param)
		case !strings.Contains(e.Message, tt.want):
			t.Errorf("%s: %q, want %q in it", tt.name, e.Message, tt.want)
		}
	}
}

// manyNames returns n members, each with a comma behind it.
func manyNames(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `"k%d":0,`, i)
	}
	return b.String()
}

// TestParseRequestHuge has bodies that are large, but lawful.
func TestParseRequestHuge(t *testing.T) {
	const largest, size = 10 << 20, 1 << 20 // the first is the default of max-body-bytes
	for _, tt := range []struct{ name, body string }{
		{"a string of 10 MiB", `{"messages":[{"role":"user","content":"` + strings.Repeat("x", largest) + `"}]}`},
		{"1 MiB of escaped quotes", `{"messages":[{"role":"user","content":"` + strings.Repeat(`\"`, size/2) + `"}]}`},
		{"1 MiB of backslashes", `{"messages":[{"role":"user","content":"` + strings.Repeat(`\\`, size/2) + `"}]}`},
		{"1 MiB of white space", `{` + strings.Repeat(" ", size) + `}`},
		{"a number of 1 MiB, unread", `{"x":` + strings.Repeat("1", size) + `}`},
		{"many lists", `{"x":[` + strings.Repeat("[],", 1<<18) + `[]]}`},
		{"as deep as allowed", `{"x":` + strings.Repeat("[", 127) + strings.Repeat("]", 127) + `}`},
	} {
		r, err := Parse(wire.ChatCompletions, []byte(tt.body), Options{})
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		if strings.Contains(tt.body, "messages") && r.Text.Bytes() == 0 {
			t.Errorf("%s: no text found", tt.name)
		}
	}
}

// TestParseRequestQuotesNoPrompt looks for prompt text in the messages of every
// way to get it wrong.
func TestParseRequestQuotesNoPrompt(t *testing.T) {
	for _, body := range []string{
		`{"messages":"SECRET"}`,
		`{"messages":[{"content":"SECRET"}`,
		`{"messages":[{"content":"SECRET","content":"SECRET"}]}`,
		`{"messages":[{"SECRET":1,"SECRET":1}]}`,
		`{"messages":[{"content":"SECRET` + "\xff" + `"}]}`,
		`{"messages":[{"content":"SECRET\ud800"}]}`,
		`{"messages":[]} SECRET`,
		`SECRET`,
	} {
		_, err := Parse(wire.ChatCompletions, []byte(body), Options{})
		if err == nil || strings.Contains(err.Error(), "SECRET") {
			t.Errorf("%s: error %v, want one without SECRET", body, err)
		}
	}
}
