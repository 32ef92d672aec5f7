//go:build !race

package openai

import (
	"strings"
	"testing"
)

// TestParseRequestAllocations keeps the promise that a body costs a constant
// number of allocations, whatever its size.
func TestParseRequestAllocations(t *testing.T) {
	large := []byte(`{"model":"m","messages":[{"role":"user","content":"` + strings.Repeat(`line\n`, 10000) + `"}]}`)
	for _, body := range [][]byte{[]byte(smallChat), large[:len(large):len(large)]} {
		got := testing.AllocsPerRun(100, func() {
			if _, err := ParseRequest(ChatCompletions, body, ParseOptions{}); err != nil {
				t.Fatal(err)
			}
		})
		if got > 5 {
			t.Errorf("a body of %d bytes takes %v allocations, want at most 5", len(body), got)
		}
	}
}
