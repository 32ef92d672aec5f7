package hostile_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/token-rate-limiter/token-rate-limiter/internal/apptest"
)

// everyMeter limits everything, so that any charge shows.
const everyMeter = "{max-tokens-per-minute: 100000, max-input-tokens-per-hour: 1000000, max-output-tokens-per-day: 1000000, " +
	"max-requests-per-day: 100000, max-concurrent-requests: 8, max-concurrent-requests-per-user: 8}"

// bodies are valid ones by path.
var bodies = map[string]string{
	chatPath: `{"model":"llama2-7b","stream":true,"stream_options":{"include_usage":true},"max_tokens":12,"n":2,` +
		`"messages":[{"role":"system","content":"Be \"brief\"."},{"role":"user","content":[{"type":"text","text":"안녕 \u00e9\ud83d\ude00"}]}],` +
		`"tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{"a":{"type":"number"}}}}}],"temperature":0.5,"stop":null}`,
	"/v1/completions":           `{"model":"llama2-7b","prompt":["one","two"],"max_tokens":5,"logit_bias":{"1":-1.5e0}}`,
	"/v1/embeddings":            `{"model":"llama2-7b","input":[[1,2,3],[4]],"encoding_format":"float"}`,
	"/v1/responses":             `{"model":"llama2-7b","input":[{"role":"user","content":"hi"}],"max_output_tokens":16}`,
	"/v1/messages":              `{"model":"llama2-7b","max_tokens":9,"messages":[{"role":"user","content":"hi"}],"metadata":{"user_id":"u"}}`,
	"/v1/messages/count_tokens": `{"model":"llama2-7b","messages":[{"role":"user","content":"hi"}]}`,
	"/v1/rerank":                `{"model":"llama2-7b","query":"q","documents":["a","b"]}`,
	"/v1/score":                 `{"model":"llama2-7b","text_1":"a","text_2":["b","c"]}`,
	"/pooling":                  `{"model":"llama2-7b","input":"hi","encoding_format":"float"}`,
	"/classify":                 `{"model":"llama2-7b","input":["a","b"],"use_activation":true}`,
	"/tokenize":                 `{"model":"llama2-7b","prompt":"hello"}`,
	"/detokenize":               `{"model":"llama2-7b","tokens":[1,2,3]}`,
}

// TestValidBodies guards the other tests of this file: what they spoil is
// accepted as it is.
func TestValidBodies(t *testing.T) {
	g, r := start(t, apptest.Options{Limits: everyMeter})
	for path, body := range bodies {
		if a := post(t, g, path, body); a.status != http.StatusOK {
			t.Errorf("%s: %d %s", path, a.status, a.body)
		}
	}
	wantSent(t, r, len(bodies))
}

// invalidBodies are no chat requests, each in its own way. BODY stands for the
// members of a valid one.
var invalidBodies = map[string]string{
	"nothing":                  "",
	"white space":              " \r\n\t ",
	"null":                     "null",
	"a list":                   "[" + chat + "]",
	"a string":                 `"` + "model" + `"`,
	"a number":                 "1",
	"cut":                      chat[:len(chat)-1],
	"cut in a string":          chat[:40],
	"something behind":         chat + "x",
	"another object behind":    chat + chat,
	"a zero byte behind":       chat + "\x00",
	"a mark before":            "\xef\xbb\xbf" + chat,
	"UTF-16":                   "{\x00\"\x00",
	"single quotes":            strings.ReplaceAll(chat, `"`, `'`),
	"a trailing comma":         chat[:len(chat)-1] + ",}",
	"a comment":                "/* hi */" + chat,
	"NaN":                      with(`"temperature":NaN`),
	"Infinity":                 with(`"temperature":-Infinity`),
	"hexadecimal":              with(`"n":0x1`),
	"a leading zero":           with(`"n":01`),
	"a plus":                   with(`"n":+1`),
	"a dot":                    with(`"n":1.`),
	"a raw line break":         with("\"user\":\"a\nb\""),
	"invalid UTF-8":            with("\"user\":\"\xff\""),
	"an overlong form":         with("\"user\":\"\xc0\xaf\""),
	"a raw surrogate":          with("\"user\":\"\xed\xa0\x80\""),
	"an escaped surrogate":     with(`"user":"\ud800"`),
	"a wrong escape":           with(`"user":"\x41"`),
	"model twice":              with(`"model":"llama2-7b"`),
	"model twice, escaped":     with(`"mo\u0064el":"llama2-7b"`),
	"cap twice":                with(`"max_tokens":1,"max_tokens":1000`),
	"stream twice":             with(`"stream":false,"stream":true`),
	"twice and unknown":        with(`"x":1,"x":1`),
	"twice, deep":              with(`"x":{"a":[{"b":1,"b":2}]}`),
	"option twice":             with(`"stream":true,"stream_options":{"include_usage":false,"include_usage":true}`),
	"nested too deep":          with(`"x":` + strings.Repeat("[", 200) + strings.Repeat("]", 200)),
	"nested without end":       with(`"x":` + strings.Repeat("[", 100_000)),
	"huge n":                   with(`"n":1000000000`),
	"n beyond everything":      with(`"n":1` + strings.Repeat("0", 400)),
	"n as an exponent":         with(`"n":1e308`),
	"n as a fraction":          with(`"n":1.5`),
	"n of 0":                   with(`"n":0`),
	"negative n":               with(`"n":-1`),
	"n as a string":            with(`"n":"1"`),
	"a negative cap":           with(`"max_tokens":-1`),
	"a cap as a string":        with(`"max_tokens":"9"`),
	"a cap as an object":       with(`"max_completion_tokens":{}`),
	"a cap beyond everything":  with(`"max_tokens":99999999999999999999`),
	"stream as a number":       with(`"stream":1`),
	"stream as a string":       with(`"stream":"true"`),
	"options as a list":        with(`"stream":true,"stream_options":[]`),
	"usage option as a number": with(`"stream":true,"stream_options":{"include_usage":1}`),
	"model as a number":        strings.Replace(chat, `"llama2-7b"`, `7`, 1),
	"no model":                 strings.Replace(chat, `"model":"llama2-7b",`, ``, 1),
	"model null":               strings.Replace(chat, `"llama2-7b"`, `null`, 1),
	"model empty":              strings.Replace(chat, `"llama2-7b"`, `""`, 1),
	"messages as a string":     `{"model":"llama2-7b","messages":"hello"}`,
	"messages as an object":    `{"model":"llama2-7b","messages":{}}`,
	"best_of beyond n's bound": with(`"best_of":100000`),
}

// with returns a chat body with more members.
func with(members string) string { return chat[:len(chat)-1] + "," + members + "}" }

// TestInvalidBodies sends what is no request: 400, and no charge to anybody.
func TestInvalidBodies(t *testing.T) {
	g, r := start(t, apptest.Options{Limits: everyMeter})
	for name, body := range invalidBodies {
		a := send(t, g, http.MethodPost, chatPath, fields{"Content-Type": "application/json", "X-User-ID": "alice"}, body)
		f := wantFailure(t, name, a, http.StatusBadRequest, "invalid_request")
		if f.Message == "" || f.Type != "invalid_request_error" {
			t.Errorf("%s: %s", name, a.body)
		}
	}
	wantSent(t, r, 0)
	wantUncharged(t, g, "alice")
}

// TestMutatedBodies spoils valid bodies at random: whatever an independent
// reader takes for invalid JSON is a 400 and costs nothing.
func TestMutatedBodies(t *testing.T) {
	g, r := start(t, apptest.Options{Limits: everyMeter})
	random := rand.New(rand.NewPCG(1, 2))
	sent := 0
	for path, body := range bodies {
		for range 200 {
			mutant := mutate(random, []byte(body))
			if len(mutant) == 0 || strict(mutant) {
				continue // a request after all
			}
			sent++
			a := send(t, g, http.MethodPost, path, fields{"X-User-ID": "alice"}, string(mutant))
			if a.status != http.StatusBadRequest || a.failure(t).Code != "invalid_request" {
				t.Fatalf("%s: %q is answered with %d: %s", path, mutant, a.status, a.body)
			}
		}
	}
	if sent < 1000 {
		t.Errorf("only %d mutants were invalid", sent)
	}
	wantSent(t, r, 0)
	wantUncharged(t, g, "alice")
}

// mutate returns b with one to three changes.
func mutate(random *rand.Rand, b []byte) []byte {
	b = bytes.Clone(b)
	for range 1 + random.IntN(3) {
		if len(b) < 2 {
			return b
		}
		i := random.IntN(len(b))
		j := min(len(b), i+1+random.IntN(8))
		switch random.IntN(5) {
		case 0:
			b[i] ^= 1 << random.IntN(8)
		case 1:
			b = append(b[:i:i], b[j:]...)
		case 2:
			b = append(b[:j:j], b[i:]...)
		case 3:
			b = append(b[:i:i], append([]byte{`"{}[],:\u0e-1`[random.IntN(13)]}, b[i:]...)...)
		case 4:
			b = b[:i]
		}
	}
	return b
}

// strict reports whether b is one JSON object as RFC 7493 wants it, judged by
// the standard library's reader.
func strict(b []byte) bool {
	if !utf8.Valid(b) || !json.Valid(b) || bytes.TrimSpace(b)[0] != '{' || loneSurrogate(b) {
		return false
	}
	d := json.NewDecoder(bytes.NewReader(b))
	return unique(d)
}

// loneSurrogate reports whether a string escapes half of a pair, which the
// standard library reads as U+FFFD.
func loneSurrogate(b []byte) bool {
	var v any
	return json.Unmarshal(b, &v) == nil && strings.ContainsRune(fmt.Sprint(v), utf8.RuneError)
}

// unique reads a value, and reports whether no object has a name twice.
func unique(d *json.Decoder) bool {
	token, err := d.Token()
	delim, nested := token.(json.Delim)
	if err != nil || !nested {
		return err == nil
	}
	names := map[string]bool{}
	for d.More() {
		if delim == '{' {
			name, err := d.Token()
			if err != nil || names[name.(string)] {
				return false
			}
			names[name.(string)] = true
		}
		if !unique(d) {
			return false
		}
	}
	_, err = d.Token()
	return err == nil
}

// TestSmallerCap gives two caps: both go on with the smaller value.
func TestSmallerCap(t *testing.T) {
	g, r := start(t, apptest.Options{Limits: everyMeter})
	for _, caps := range []string{`"max_tokens":50,"max_completion_tokens":7`, `"max_completion_tokens":50,"x":1,"max_tokens":7`} {
		a := post(t, g, chatPath, with(caps))
		if a.status != http.StatusOK {
			t.Errorf("%s: %d %s", caps, a.status, a.body)
			continue
		}
		var got struct {
			A int `json:"max_tokens"`
			B int `json:"max_completion_tokens"`
		}
		sent := r.last(t).Body
		if err := json.Unmarshal([]byte(sent), &got); err != nil || got.A != 7 || got.B != 7 {
			t.Errorf("%s: the model server got %s (%v)", caps, sent, err)
		}
		if e := g.Ledger.Entries(); e[len(e)-1].Output != 7 {
			t.Errorf("%s: %d tokens were generated", caps, e[len(e)-1].Output)
		}
	}
}
