package answer

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/internal/wire"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/jsonscan"
)

// passed returns what a Passage makes of a body that comes in pieces, of which each is
// in memory that the next one overwrites.
func passed(p *Passage, body []byte, size func() int) []byte {
	var out []byte
	var parts [][]byte
	for len(body) > 0 {
		n := min(max(1, size()), len(body))
		piece := bytes.Clone(body[:n])
		parts = p.Pass(parts[:0], piece)
		out = append(out, bytes.Join(parts, nil)...)
		clear(piece)
		body = body[n:]
	}
	return out
}

// likeWhole compares what is made of a body in pieces with what is made of it whole.
// Which answers must be alike is for the caller to say.
func likeWhole(t *testing.T, body []byte, size func() int) {
	t.Helper()
	for _, name := range []string{"", "public/name", `in "quotes"`} {
		p := NewPassage(wire.ChatCompletions, name)
		got := passed(p, body, size)
		a := Read(body)
		if want := renamed(&a, nil, body, name); !bytes.Equal(got, want) {
			t.Errorf("as %q, %.300q\nis passed on as %.300q\nand not as    %.300q", name, body, got, want)
		}
		a.model = jsonscan.Extent{}
		if told := p.Answer(); told != a {
			t.Errorf("of %.300q\nit is told %+v; want %+v", body, told, a)
		}
		if !p.Whole() || p.CutShort() {
			t.Errorf("%.300q is not taken to be whole", body)
		}
	}
}

// TestPassage: an answer that is passed on in pieces is that which is passed on
// whole, wherever the members stand that matter and wherever it is cut.
func TestPassage(t *testing.T) {
	const usage = `{"prompt_tokens": 7,"completion_tokens":9,"total_tokens":16,"prompt_tokens_details":{"cached_tokens":3}}`
	for _, body := range []string{
		`{}`, ` { } `, `{"a":[]}`, `{"model":"m"}`, `{"usage":` + usage + `}`, `{"model":7,"usage":null}`, `{"usage":3}`, `{"usage":"x"}`,
		`{"model" : "m" , "usage" : ` + usage + ` , "choices":[{"model":"inner","usage":{"prompt_tokens":1}}]}`,
		`{"choices":[{"message":{"content":"\"model\":\"m\" \\"}}],"usage":` + usage + `,"model":"m\"\\"}` + "\r\n",
		`{"mod\u0065l":"m","us\u0061ge":` + usage + `}`, `{"model\u0000":"m","modelx":"m","mode":"m"}`,
		`{"a":[[[{"b":[{"c":{}}]}]]],"model":"","z":-1.5e+3,"t":true}`, `{"a":[],"usage":{}}`, `{"usage":{"prompt_tokens":-1}}`,
		"{\n\t\"usage\": {\"prompt_tokens\": 12, \"completion_tokens\": 0},\n\t\"model\": \"m\"\n}\n",
		`{"` + strings.Repeat("n", 1000) + `":1,"model":"m"}`, `{"a":` + strings.Repeat("[", 127) + strings.Repeat("]", 127) + `,"model":"m"}`,
	} {
		for size := range len(body) + 1 {
			likeWhole(t, []byte(body), func() int { return size })
		}
	}
}

// TestPassageOfAnything: so it is with answers of any shape, cut at random.
func TestPassageOfAnything(t *testing.T) {
	for seed := range uint64(2000) {
		r := rand.New(rand.NewPCG(seed, 7))
		body := anyAnswer(r)
		if !json.Valid(body) {
			t.Fatalf("%s", body)
		}
		largest := 1 + r.IntN(1+len(body))
		likeWhole(t, body, func() int { return 1 + r.IntN(largest) })
		if t.Failed() {
			t.Fatalf("with the seed %d", seed)
		}
	}
}

// anyAnswer returns an answer with its members in any order and anything in between.
func anyAnswer(r *rand.Rand) []byte {
	members := []string{
		`"id":"chatcmpl-1"`, `"model":"served/model"`,
		fmt.Sprintf(`"usage":{"prompt_tokens":%d,"completion_tokens":%d}`, r.IntN(1e6), r.IntN(1e6)),
	}
	for i := range r.IntN(6) {
		members = append(members, fmt.Sprintf(`"m%d"%s:%s%s`, i, space(r), space(r), anyValue(r, 0)))
	}
	r.Shuffle(len(members), func(i, k int) { members[i], members[k] = members[k], members[i] })
	return []byte(space(r) + "{" + space(r) + strings.Join(members[r.IntN(2):], space(r)+","+space(r)) + "}" + space(r))
}

func space(r *rand.Rand) string { return []string{"", "", " ", "\n\t", "\r\n"}[r.IntN(5)] }

func anyValue(r *rand.Rand, depth int) string {
	var parts []string
	switch kind := r.IntN(8); {
	case kind < 2:
		return []string{"0", "-1.5e-7", "true", "false", "null", "12345678901234567890"}[r.IntN(6)]
	case kind < 5 || depth > 6:
		text, _ := json.Marshal([]string{"", "model", "usage", "a\"b\\c", "{[,]}:", "한국어 \u2028", "\x00\x1f"}[r.IntN(7)])
		return string(text)
	case kind < 6:
		for range r.IntN(5) {
			parts = append(parts, anyValue(r, depth+1))
		}
		return "[" + strings.Join(parts, ","+space(r)) + "]"
	}
	for i, name := range []string{"model", "usage", "logprobs", "x"}[:r.IntN(5)] {
		parts = append(parts, fmt.Sprintf(`"%s%.*s":%s`, name, i%2, "_", anyValue(r, depth+1)))
	}
	return "{" + strings.Join(parts, ",") + "}"
}

// TestPassageCutShort: an object that is not whole is known to be none, and one that is
// no object is nobody's business and passed on as it is.
func TestPassageCutShort(t *testing.T) {
	body := []byte(`{"model":"m","choices":[{"message":{"content":"Hello \"there\""}}],"usage":{"prompt_tokens":1,"completion_tokens":2}}`)
	for n := 1; n < len(body); n++ {
		p := NewPassage(wire.ChatCompletions, "public")
		passed(p, body[:n], func() int { return 3 })
		if !p.CutShort() || p.Whole() {
			t.Errorf("%s is taken to be whole", body[:n])
		}
	}
	for _, other := range []string{`[1,2,{"model":"m"}]`, `"model"`, `null`, "\x1f\x8b\x08", `{"a":1}{"model":"m"}`, `{"a":1]`, `{"a" 1}`, `{"a":}`, "{\"a\":\"\n\"}", `{,}`} {
		p := NewPassage(wire.ChatCompletions, "public")
		if got := passed(p, []byte(other), func() int { return 2 }); string(got) != other {
			t.Errorf("%q is passed on as %q", other, got)
		}
		if a := p.Answer(); a.HasUsage() || p.CutShort() || p.Whole() {
			t.Errorf("%q: usage %+v, cut short %v, whole %v", other, a.Usage, p.CutShort(), p.Whole())
		}
	}
}

// TestPassageMemory: what is kept of an answer does not grow with it.
func TestPassageMemory(t *testing.T) {
	p := NewPassage(wire.ChatCompletions, "public")
	piece := []byte(strings.Repeat(`0.25,`, 2000))
	parts := p.Pass(nil, []byte(`{"data":[`))
	if n := testing.AllocsPerRun(100, func() { parts = p.Pass(parts[:0], piece) }); n != 0 {
		t.Errorf("a piece costs %v allocations", n)
	}
	p = NewPassage(wire.ChatCompletions, "")
	p.Pass(nil, []byte(`{"usage":{"prompt_tokens":1,"x":"`))
	for range 100 {
		p.Pass(nil, bytes.Repeat([]byte("x"), 10<<10))
	}
	p.Pass(nil, []byte(`"}}`))
	if a := p.Answer(); a.HasUsage() || cap(p.report) > 2*reportBytesMax || !p.Whole() {
		t.Errorf("a usage of a megabyte is told %v, and %d bytes of it are kept", a.HasUsage(), cap(p.report))
	}
}

// FuzzPassage: whatever is passed on, nothing is lost or made up, and an answer
// that Answer understands is the same.
func FuzzPassage(f *testing.F) {
	for seed := range uint64(8) {
		f.Add(anyAnswer(rand.New(rand.NewPCG(seed, 1))), uint8(seed))
	}
	f.Add([]byte(`{"model":"a","model":"b","usage":{},"usage":{}}`), uint8(1))
	f.Fuzz(func(t *testing.T, body []byte, size uint8) {
		pieces := func() int { return int(size) }
		if got := passed(NewPassage(wire.Completions, ""), body, pieces); !bytes.Equal(got, body) {
			t.Fatalf("%q is passed on as %q", body, got)
		}
		c := jsonscan.Cursor{Text: body}
		if c.Peek() != '{' || !new(Answer).read(&c) || !c.End() {
			return // no object, or with a name twice that matters
		}
		likeWhole(t, body, pieces)
	})
}

func BenchmarkPassage(b *testing.B) {
	piece := []byte(strings.Repeat(`0.012345678,`, 64<<10/12))
	p := NewPassage(wire.Embeddings, "public")
	parts := p.Pass(nil, []byte(`{"data":[`))
	b.SetBytes(int64(len(piece)))
	for b.Loop() {
		parts = p.Pass(parts[:0], piece)
	}
}
