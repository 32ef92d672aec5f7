package openai

import (
	"bytes"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
)

// plainBodies are bodies that are read without the decoder, and others that are not.
var plainBodies = map[string]bool{
	smallChat:                       true,
	`{}`:                            true,
	"\t{ \"a\" : [ ] }\n":           true,
	`{"안녕":"하세요 😀"}`:                true,
	`{"a":"\ud83d\ude00 \uc548\n"}`: true,
	`{"a":{"x":1},"b":[{"x":1},{"x":2}],"x":{"a":1,"b":2}}`:   true,
	`{` + manyNames(plainNamesMax-1) + `"a":0}`:               true,
	`{"x":[` + strings.Repeat(`{"a":1,"b":2},`, 1000) + `0]}`: true,

	``:                                    false,
	` `:                                   false,
	`[{}]`:                                false,
	`{}{}`:                                false,
	`{"a":1}x`:                            false,
	"{}\x00":                              false,
	"\xef\xbb\xbf{}":                      false,
	`{"a":1,"b":2,"a":3}`:                 false,
	`{"x":[[{"y":{"z":1,"q":2,"z":2}}]]}`: false,
	`{"model":"a","mod\u0065l":"b"}`:      false,
	`{"mod\u0065l":"a","model":"b"}`:      false,
	`{"a\"":1}`:                           false, // unusual
	`{` + manyNames(plainNamesMax) + `"a":0}`: false, // unusual
	"{\"a\":\"\xe9\"}":                        false,
	"{\"\xff\":1}":                            false,
	`{"a":"\ud800"}`:                          false,
	`{"a":"\ud83d\ud83d\ude00"}`:              false,
	`{"a":["\ude00\ud83d"]}`:                  false,
	`{"a":01}`:                                false,
	`{"a":"` + "\n" + `"}`:                    false,
	strings.Repeat(`{"a":`, nestingMax+1) + "1" + strings.Repeat("}", nestingMax+1): false, // unusual
}

func TestIsPlain(t *testing.T) {
	for body, want := range plainBodies {
		if got := isPlain([]byte(body)); got != want {
			t.Errorf("%.80q: %v, want %v", body, got, want)
		}
		checkPlain(t, []byte(body))
	}
}

// FuzzIsPlain wants the same bodies to be accepted by the fast way and by the decoder,
// but for those that the fast way leaves alone.
func FuzzIsPlain(f *testing.F) {
	for body := range plainBodies {
		f.Add([]byte(body))
	}
	for _, seed := range fuzzSeeds {
		f.Add([]byte(seed))
	}
	f.Fuzz(checkPlain)
}

func checkPlain(t *testing.T, body []byte) {
	t.Helper()
	accepted := refusal(body) == nil
	if got, want := isPlain(body), accepted && !isUnusual(body); got != want {
		t.Fatalf("%q: plain %v, want %v; by the decoder it is accepted: %v", body, got, want, accepted)
	}
}

// isUnusual reports whether a body that the decoder accepts is one of those that
// isPlain leaves alone.
func isUnusual(body []byte) bool {
	d := jsontext.NewDecoder(bytes.NewReader(body))
	for d.PeekKind() != 0 {
		if kind, n := d.StackIndex(d.StackDepth()); kind == '{' && n%2 == 0 && d.PeekKind() == '"' {
			name, err := d.ReadValue()
			if err != nil || bytes.IndexByte(name, '\\') >= 0 || openNames(d) > plainNamesMax {
				return true
			}
			continue
		}
		if _, err := d.ReadToken(); err != nil || d.StackDepth() > nestingMax {
			return true
		}
	}
	return false
}

// openNames counts the names of the objects that the decoder is in.
func openNames(d *jsontext.Decoder) (names int64) {
	for depth := range d.StackDepth() + 1 {
		if kind, n := d.StackIndex(depth); kind == '{' {
			names += (n + 1) / 2
		}
	}
	return names
}
