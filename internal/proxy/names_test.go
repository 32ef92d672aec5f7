package proxy

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/internal/buffer"
)

// exampleOf returns a body with an object of n names.
func exampleOf(n int) []byte {
	body := []byte(`{"x":{`)
	for i := range n {
		body = fmt.Appendf(body, `"%x":0,`, i)
	}
	return append(bytes.TrimSuffix(body, []byte(",")), "}}"...)
}

// TestNamesAreCounted: what it takes to tell the names of a body apart is held for as long
// as that takes, and a body of more names than anybody needs is refused, with the number.
func TestNamesAreCounted(t *testing.T) {
	for _, tt := range []struct {
		name    string
		body    []byte
		room    int64
		least   int64 // what is held beside the body and its copy
		refusal string
	}{
		{"few", exampleOf(namesFew - 1), 8 << 20, 0, ""},
		{"many", exampleOf(namesMax - 1), 16 << 20, namesMax * 160, ""},
		{"many, and no room", exampleOf(namesMax - 1), 4 << 20, 0, "max-buffered-bytes"},
		{"too many", exampleOf(namesMax), 16 << 20, 0, "objects with 32769 names, more than 32768"},
		{"colons that follow no name", fmt.Appendf(nil, `{"x":%q}`, strings.Repeat(`a: "b":`, 100_000)), 8 << 20, 0, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			x, budget := newExchange(), buffer.NewBudget(tt.room)
			x.share.Begin(budget, x)
			defer x.share.End()
			x.body = tt.body
			if !x.coverCopy() {
				t.Fatal("there is no room for the body")
			}
			before := budget.Held()
			err := x.coverNames()
			if got := fmt.Sprint(err); (err != nil) != (tt.refusal != "") || !strings.Contains(got, tt.refusal) {
				t.Errorf("%v, want %q", got, tt.refusal)
			}
			if more := budget.Held() - before; more < tt.least || more > 2*tt.least {
				t.Errorf("%d bytes are held for it, want %d or some more", more, tt.least)
			}
			if x.uncoverNames(); budget.Held() != before {
				t.Errorf("%d bytes stay held, want %d", budget.Held(), before)
			}
		})
	}
}
