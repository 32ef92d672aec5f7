package jsonscan

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

func TestOpenNames(t *testing.T) {
	for _, tt := range []struct {
		name, body   string
		names, bytes int
	}{
		{"nothing", ``, 0, 0},
		{"no object", `["a","b:"]`, 0, 0},
		{"an object", `{"a":1,"bc" : "x:"}`, 2, 7},
		{"escapes", `{"a\"":"\\","b":"\"c\":"}`, 2, 8},
		{"objects one after the other", `[{"a":1,"b":2},{"c":3},{"d":1,"e":2,"f":3}]`, 3, 9},
		{"the most names and the most bytes", `[{"a":1,"b":2},{"long":3}]`, 2, 6},
		{"objects in one another", `{"a":{"b":{"c":1}},"d":{"e":2}}`, 4, 12},
		{"one at each depth", `{"a":{"b":1,"c":2},"d":[{"e":1,"f":2,"g":3}]}`, 7, 21},
		{"text in the protocol's form", `{"content":"{\"a\":1,\"b\":2}"}`, 1, 9},
		{"the end is missing", `{"a":{"b`, 1, 3},
		{"too many ends", `}]}{"a":1`, 1, 3},
		{"an escape at the end", `{"a\`, 0, 0},
		{"deeper than anything may be", strings.Repeat(`{"a":`, 200), 200, 600},
	} {
		if names, bytes := OpenNames([]byte(tt.body)); names != tt.names || bytes != tt.bytes {
			t.Errorf("%s: %d names of %d bytes, want %d of %d", tt.name, names, bytes, tt.names, tt.bytes)
		}
	}
}

// TestOpenNamesOfAnything: no body has fewer names than the objects that are open at once,
// and none has more than its colons.
func TestOpenNamesOfAnything(t *testing.T) {
	for seed := range uint64(500) {
		r := rand.New(rand.NewPCG(seed, 11))
		body := anyObject(r)
		c, least := Cursor{Text: body}, 0
		c.Open()
		for _, ok := c.Member(); ok; _, ok = c.Member() {
			c.Skip()
			least++
		}
		names, bytes := OpenNames(body)
		if names < least || names > strings.Count(string(body), ":") || bytes < 2*names || bytes > len(body) {
			t.Errorf("with the seed %d: %d names of %d bytes in %s", seed, names, bytes, body)
		}
	}
}

// anyObject returns an object, indented in any way.
func anyObject(r *rand.Rand) []byte {
	body, _ := json.MarshalIndent(anyMembers(r, 0), "", strings.Repeat(" ", r.IntN(3)))
	return body
}

func anyMembers(r *rand.Rand, depth int) map[string]any {
	object := map[string]any{}
	for i := range r.IntN(6) {
		var value any = []string{"", "a\"b\\c", "{[,]}:", "한국어 \u2028", "\x00\x1f"}[r.IntN(5)]
		if depth < 6 && r.IntN(2) == 0 {
			value = []any{anyMembers(r, depth+1), r.Float64(), anyMembers(r, depth+1)}
		}
		object[fmt.Sprintf("m\"%d", i)] = value
	}
	return object
}

func BenchmarkOpenNames(b *testing.B) {
	text := fmt.Appendf(nil, `{"messages":[{"role":"user","content":%q}]}`, strings.Repeat("some: words\n", 1<<16))
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		OpenNames(text)
	}
}
