package jsonscan

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
)

// membersOf lists the members of an object by the cursor, "" after an error.
func membersOf(data []byte) (list [][2]string, ok bool) {
	c := Cursor{Text: data}
	if c.Peek() != '{' || !c.Enter('{') {
		return nil, false
	}
	for {
		name, ok := c.Member()
		if !ok {
			break
		}
		list = append(list, [2]string{string(name), string(c.Value().Of(data))})
	}
	return list, c.End()
}

// referenceMembers does the same by jsontext.
func referenceMembers(data []byte) (list [][2]string, ok bool) {
	d := jsontext.NewDecoder(bytes.NewReader(data),
		jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	if d.PeekKind() != '{' {
		return nil, false
	}
	if _, err := d.ReadToken(); err != nil {
		return nil, false
	}
	for d.PeekKind() != '}' {
		name, err := d.ReadToken()
		if err != nil {
			return nil, false
		}
		s := name.String()
		value, err := d.ReadValue()
		if err != nil {
			return nil, false
		}
		list = append(list, [2]string{s, string(value)})
	}
	if _, err := d.ReadToken(); err != nil {
		return nil, false
	}
	if len(bytes.Trim(data[d.InputOffset():], " \t\r\n")) > 0 {
		return nil, false
	}
	return list, true
}

var memberSeeds = []string{
	`{}`, ` { } `, `{"a":1}`, `{"a":1,}`, `{,}`, `{"a"}`, `{"a":}`, `{"a":1 "b":2}`, `{"a":1}x`, `[]`, ``, `{`,
	`{"a":[],"b":{},"c":[1,[2,{"d":null}]],"e":true,"f":false}`, `{"a":[1,]}`, `{"a":[,1]}`, `{"a":{"b":1,}}`,
	`{"n":[0,-0,1.5,-1e5,1E+2,2e-3]}`, `{"n":01}`, `{"n":1.}`, `{"n":.5}`, `{"n":-}`, `{"n":1e}`, `{"n":+1}`,
	`{"s":"\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00"}`, `{"s":"\x"}`, `{"s":"\u12"}`, "{\"s\":\"a\nb\"}", `{"s":"unfinished`,
	"{\"s\":\"a tab \t in the middle of it\"}", "{\"s\":\"a zero \x00 in the middle of it\"}", "{\"s\":\"a delete \x7f and \xff bytes\"}",
	`{"\u0075sage":{"prompt_tokens":1}}`, `{"a":tru}`, `{"a":nul}`, `{"a":truex}`, `{"a":"` + strings.Repeat("long ", 20) + `"}`,
	"{\"a\"\t:\r\n1 , \"b\" : 2}", `{"안녕":"하세요"}`, `{"a":1}{"b":2}`, `{"a" 1}`, "{\"a\":1}\x00",
}

func TestMembers(t *testing.T) {
	for _, data := range memberSeeds {
		checkMembers(t, []byte(data))
	}
	deep := strings.Repeat(`{"a":`, NestingMax) + "1" + strings.Repeat("}", NestingMax)
	if _, ok := membersOf([]byte(deep)); !ok {
		t.Errorf("%d levels are refused", NestingMax)
	}
	if _, ok := membersOf([]byte(`{"a":` + deep + `}`)); ok {
		t.Errorf("%d levels are accepted", NestingMax+1)
	}
}

func checkMembers(t *testing.T, data []byte) {
	t.Helper()
	want, wantOK := referenceMembers(data)
	got, ok := membersOf(data)
	if ok != wantOK {
		t.Fatalf("%q: accepted %v, by jsontext %v", data, ok, wantOK)
	}
	if diff := cmp.Diff(want, got); ok && diff != "" {
		t.Fatalf("%q (-want +got):\n%s", data, diff)
	}
}

func FuzzMembers(f *testing.F) {
	for _, data := range memberSeeds {
		f.Add([]byte(data))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if bytes.Count(data, []byte("{"))+bytes.Count(data, []byte("[")) > NestingMax {
			t.Skip("perhaps too deep")
		}
		if !bytes.ContainsRune(data, 0xFFFD) && json.Valid(data) == json.Valid(bytes.ToValidUTF8(data, nil)) {
			checkMembers(t, data)
		}
	})
}

// TestPlainEnd has every byte at every place of a word, among bytes that are its
// neighbours for a test by subtraction.
func TestPlainEnd(t *testing.T) {
	for b := range 256 {
		for _, filler := range []string{" ", "!", "#", "[", "]", "~", "\x7f", "\x80", "\xff", string([]byte{byte(b ^ 2)})} {
			for at := range 24 {
				text := []byte(strings.Repeat(filler, 24))
				text[at] = byte(b)
				want := bytes.IndexFunc(text, func(r rune) bool { return r < ' ' || r == '"' || r == '\\' })
				if want < 0 {
					want = len(text)
				}
				if got := PlainEnd(text, 0); got != want {
					t.Fatalf("%q: %d, want %d", text, got, want)
				}
			}
		}
	}
}

func TestAppendUnescaped(t *testing.T) {
	tests := map[string]string{
		``: "", `plain`: "plain", `a\nb\t\"\\\/`: "a\nb\t\"\\/", `\b\f\r`: "\b\f\r", `\uc548\ub155`: "안녕",
		`\ud83d\ude00!`: "😀!", `\ud83d`: "\uFFFD", `\ud83dx`: "\uFFFDx", `\ude00\ud83d`: "\uFFFD\uFFFD", `안\u0041`: "안A",
	}
	for in, want := range tests {
		if got := string(AppendUnescaped(nil, []byte(in))); got != want {
			t.Errorf("%s: %q, want %q", in, got, want)
		}
	}
}

// TestCount: only a whole number that every reader holds exactly is a number of tokens.
func TestCount(t *testing.T) {
	for text, want := range map[string]int64{
		"0": 0, "7": 7, " 12": 12, "9007199254740991": CountMax, // else:
		"9007199254740992": -1, "99999999999999999": -1, "-1": -1, "1.0": -1, "1e2": -1, `"1"`: -1, "null": -1, "[1]": -1,
	} {
		c := Cursor{Text: []byte(text)}
		n, ok := c.Count()
		if !c.End() || ok != (want >= 0) || n != max(want, 0) {
			t.Errorf("%s is read as %d, %v", text, n, ok)
		}
	}
}
