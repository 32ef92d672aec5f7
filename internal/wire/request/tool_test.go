package request

import (
	"fmt"
	"strings"
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/internal/wire"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/chars"
)

// TestToolsThatPartsName: each part that names a tool adds what a template may print of the
// tools of one name that have the most, wherever they are.
func TestToolsThatPartsName(t *testing.T) {
	const small, large = `{"type":"function","function":{"name":"f","parameters":{}}}`, `{"type":"function","function":{"name":"g","description":"a long one"}}`
	most := printedSize([]byte(large))
	for _, tt := range []struct {
		name, members string
		each          int64
	}{
		{"no tools", `"x":1`, 0},
		{"one", `"tools":[` + small + `]`, printedSize([]byte(small))},
		{"the largest", `"tools":[` + small + `,` + large + `,` + small[:len(small)-1] + `}]`, max(most, 2*printedSize([]byte(small)))},
		{"several of a name", `"tools":[` + large + `,` + small + `,` + large + `,` + large + `]`, 3 * most},
		{"a name in escapes", `"tools":[` + large + `,` + strings.Replace(large, `"g"`, `"\u0067"`, 1) + `]`, 2 * most},
		{"of another form", `"tools":[{"name":"f","input_schema":{"name":"g"}},{"name":"f"}]`,
			printedSize([]byte(`{"name":"f","input_schema":{"name":"g"}}`)) + printedSize([]byte(`{"name":"f"}`))},
		{"among the arguments", `"chat_template_kwargs":{"tools":[` + large + `]}`, most},
		{"no list", `"tools":` + large, most},
		{"functions", `"functions":[` + large + `,7,null]`, most},
	} {
		words := func(parts int) int64 {
			part := strings.TrimSuffix(strings.Repeat(`{"type":"tool_reference"},`, parts), ",")
			return parseOK(t, wire.ChatCompletions, fmt.Sprintf(`{%s,"messages":[{"role":"tool","content":[%s]}]}`, tt.members, part), Options{}).Words
		}
		none, one, three := words(0), words(1), words(3)
		if own := one - none - tt.each; own <= 0 || own > 64 || three-none != 3*(one-none) {
			t.Errorf("%s: %d, %d and %d bytes of words of 0, 1 and 3 parts, want %d each beside their own", tt.name, none, one, three, tt.each)
		}
	}
}

// TestGrowthOfToolInputs: what a tool was called with is longer where it is ASCII throughout, in
// Anthropic's interface only.
func TestGrowthOfToolInputs(t *testing.T) {
	for _, input := range []string{`{"a":"b c"}`, `"né"`, `{"이름":["안녕"]}`, `"😀"`, `"\uc548\u00e9\ud83d\ude00"`} {
		words := func(e wire.Endpoint) int64 {
			return parseOK(t, e, `{"max_tokens":1,"messages":[{"role":"assistant","content":[{"type":"tool_use","input":`+input+`}]}]}`, Options{}).Words
		}
		if got, want := words(wire.Messages)-words(wire.ChatCompletions), chars.ASCIIGrowth([]byte(input)); got != want {
			t.Errorf("%s: %d bytes of words more, want %d", input, got, want)
		}
	}
}
