//go:build !race

package request

import (
	"strings"
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/internal/wire"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/jsonscan"
)

// TestParseRequestAllocations keeps the promise that a body costs a constant
// number of allocations, whatever its size.
func TestParseRequestAllocations(t *testing.T) {
	large := []byte(`{"model":"m","messages":[{"role":"user","content":"` + strings.Repeat(`line\n`, 10000) + `"}]}`)
	for _, body := range [][]byte{[]byte(smallChat), large[:len(large):len(large)]} {
		got := testing.AllocsPerRun(100, func() {
			if _, err := Parse(wire.ChatCompletions, body, Options{}); err != nil {
				t.Fatal(err)
			}
		})
		if got > 5 {
			t.Errorf("a body of %d bytes takes %v allocations, want at most 5", len(body), got)
		}
	}
}

// TestMistakesAllocateOnce: a body that is nothing but mistakes costs no more than
// one, also where it is not known yet that its names repeat.
func TestMistakesAllocateOnce(t *testing.T) {
	const times = 10000
	for name, body := range map[string]string{
		"a member":      `{` + manyNames(jsonscan.NamesMax) + `"n":-1` + strings.Repeat(`,"n":-1`, times) + `}`,
		"a list":        `{"prompt":[1` + strings.Repeat(`,"",1`, times) + `]}`,
		"what is held":  `{"messages":[{"prompt_embeds":1}` + strings.Repeat(`,{"prompt_embeds":1}`, times) + `]}`,
		"an early end":  `{` + manyNames(jsonscan.NamesMax) + `"n":-1` + strings.Repeat(`,"n":-1`, times),
		"a late repeat": `{` + manyNames(jsonscan.NamesMax) + `"n":-1` + strings.Repeat(`,"n":-1`, times) + `,"a":0,"a":0}`,
	} {
		e := wire.ChatCompletions
		if name == "a list" {
			e = wire.Completions
		}
		got := testing.AllocsPerRun(10, func() {
			if _, err := Parse(e, []byte(body), Options{}); err == nil {
				t.Fatal("it is taken")
			}
		})
		if got > 500 { // the decoder remembers names
			t.Errorf("%s: %v allocations", name, got)
		}
	}
}
