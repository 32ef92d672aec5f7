package request

import (
	"bytes"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/token-rate-limiter/token-rate-limiter/internal/wire"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/jsonscan"
)

// soundBodies are bodies that are read without the decoder, and others that are not.
var soundBodies = map[string]bool{
	smallChat:                       true,
	`{}`:                            true,
	"\t{ \"a\" : [ ] }\n":           true,
	`{"안녕":"하세요 😀"}`:                true,
	`{"a":"\ud83d\ude00 \uc548\n"}`: true,
	`{"a":{"x":1},"b":[{"x":1},{"x":2}],"x":{"a":1,"b":2}}`:   true,
	`{` + manyNames(jsonscan.NamesMax-2) + `"a":0}`:           true,
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
	// What the members are looked at for must not go wrong before it is known that they are none.
	`{"max_tokens":1,"max_tok\u0065ns":2,"m\u0061x_tokens":3,"max_completion_tokens":4}`: false,
	`{"model":`: false, `{"stream":`: false, `{"n":`: false, `{"max_tokens":-`: false, `{"stream_options":`: false,
	`{"tools":[\`: false, `{"messages":[{"content":"a\`: false, `{"messages":[{"tools":"\u00`: false, `{"documents":["a"`: false,
	`{"prompt":[[1,`: false, `{"prompt":[1,]}`: false, `{"input":[{"input_audio":{"data":"UklG`: false, `[1],"a":1}`: false,

	`{"a\"":1}`: false, // unusual
	`{` + manyNames(jsonscan.NamesMax-1) + `"a":0}`: false, // unusual
	"{\"a\":\"\xe9\"}":           false,
	"{\"\xff\":1}":               false,
	`{"a":"\ud800"}`:             false,
	`{"a":"\ud83d\ud83d\ude00"}`: false,
	`{"a":["\ude00\ud83d"]}`:     false,
	`{"a":01}`:                   false,
	`{"a":"` + "\n" + `"}`:       false,
	`{"a":` + strings.Repeat("[", jsonscan.NestingMax) + strings.Repeat("]", jsonscan.NestingMax) + "}": false, // unusual, lists that nobody reads too
	strings.Repeat(`{"a":`, jsonscan.NestingMax+1) + "1" + strings.Repeat("}", jsonscan.NestingMax+1):   false, // unusual
}

func isSound(e wire.Endpoint, body []byte) bool {
	p := new(parse)
	p.Cursor, p.endpoint = jsonscan.Cursor{Text: body, Names: &p.seen}, e
	p.request()
	return p.isSound()
}

func TestIsSound(t *testing.T) {
	for body, want := range soundBodies {
		for _, e := range wire.Endpoints {
			if got := isSound(e, []byte(body)); got != want {
				t.Errorf("%v, %.80q: %v, want %v", e, body, got, want)
			}
			checkSound(t, byte(e), []byte(body))
		}
	}
}

// FuzzIsSound wants the parse and the decoder to accept the same bodies, but for those
// that the parse leaves to the decoder, and the same words about all others.
func FuzzIsSound(f *testing.F) {
	for body := range soundBodies {
		f.Add(byte(0), []byte(body))
	}
	for i, seed := range fuzzSeeds {
		f.Add(byte(i), []byte(seed))
	}
	f.Fuzz(checkSound)
}

func checkSound(t *testing.T, which byte, body []byte) {
	t.Helper()
	e := wire.Endpoints[int(which)%len(wire.Endpoints)]
	refused := validate(body)
	if got, want := isSound(e, body), refused == nil && !isUnusual(body); got != want {
		t.Fatalf("%v, %q: sound %v, want %v; by the decoder: %v", e, body, got, want, refused)
	}
	_, err := Parse(e, body, Options{})
	if refused != nil && (err == nil || err.Error() != refused.Error()) {
		t.Fatalf("%v, %q: error %v, want %v", e, body, err, refused)
	}
}

// isUnusual reports whether a body that the decoder accepts is one of those that
// the parse leaves to it.
func isUnusual(body []byte) bool {
	d := jsontext.NewDecoder(bytes.NewReader(body))
	for d.PeekKind() != 0 {
		if kind, n := d.StackIndex(d.StackDepth()); kind == '{' && n%2 == 0 && d.PeekKind() == '"' {
			if name, err := d.ReadValue(); err != nil || bytes.IndexByte(name, '\\') >= 0 {
				return true
			}
		} else if _, err := d.ReadToken(); err != nil {
			return true
		}
		if d.StackDepth() > jsonscan.NestingMax || remembered(d) > jsonscan.NamesMax {
			return true
		}
	}
	return false
}

// remembered counts the objects that the decoder is in, and their names.
func remembered(d *jsontext.Decoder) (n int64) {
	for depth := range d.StackDepth() + 1 {
		if kind, length := d.StackIndex(depth); kind == '{' {
			n += 1 + (length+1)/2
		}
	}
	return n
}

// A parse that is kept for the next body has nothing of the last one.
func TestParseReset(t *testing.T) {
	p := new(parse)
	p.Cursor = jsonscan.Cursor{Text: []byte(`{"a":{"b":1,"\u0061":2,"c`), Names: &p.seen}
	p.request()
	if !p.seen.Unsure {
		t.Fatal("the body has left nothing to forget")
	}
	p.reset()
	if p.seen.Unsure || p.Text != nil {
		t.Errorf("kept: unsure %v, body %q", p.seen.Unsure, p.Text)
	}
	p.Cursor = jsonscan.Cursor{Text: []byte(`{` + manyNames(jsonscan.NamesMax-2) + `"a":0}`), Names: &p.seen}
	if p.request(); !p.isSound() {
		t.Error("names of the last body are remembered")
	}
}
