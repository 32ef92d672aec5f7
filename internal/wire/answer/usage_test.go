package answer

import (
	"fmt"
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/internal/wire"
)

// What stands in the place of a number of tokens may be anything. One that is whole
// counts however it is written; nothing else does, and each but null is odd.
func TestNumbersOfTokens(t *testing.T) {
	type told struct {
		n       int64
		ok, odd bool
	}
	for value, want := range map[string]told{
		`300`: {300, true, false}, `0`: {0, true, false}, `9007199254740991`: {1<<53 - 1, true, false},
		`300.0`: {300, true, true}, `3e2`: {300, true, true}, `"300"`: {300, true, true}, `"300.0"`: {300, true, true},
		`-0.0`: {odd: true}, `-1`: {odd: true}, `300.5`: {odd: true}, `9007199254740992`: {odd: true}, `1e300`: {odd: true},
		`1e9999`: {odd: true}, `""`: {odd: true}, `"many"`: {odd: true}, `"-3"`: {odd: true}, `"0x10"`: {odd: true}, `"1_000"`: {odd: true},
		`"NaN"`: {odd: true}, `"Infinity"`: {odd: true}, `" 3"`: {odd: true}, `"03"`: {odd: true}, `true`: {odd: true}, `[3]`: {odd: true},
		`{"n":3}`: {odd: true}, `null`: {},
	} {
		for _, name := range []string{"completion_tokens", "output_tokens"} {
			a := Read(fmt.Appendf(nil, `{"usage":{"prompt_tokens":7,%q:%s},"choices":[]}`, name, value))
			got := told{a.Usage.Output, a.OutputTold, a.OddUsage}
			if got != want || a.Usage.Input != 7 || !a.InputTold {
				t.Errorf("%s %s: %+v and input %d, %v; want %+v and 7", name, value, got, a.Usage.Input, a.InputTold, want)
			}
		}
		a := Read(fmt.Appendf(nil, `{"usage":{"prompt_tokens":%s,"completion_tokens":7}}`, value))
		got := told{a.Usage.Input, a.InputTold, a.OddUsage}
		if got != want || a.Usage.Output != 7 || !a.OutputTold {
			t.Errorf("prompt_tokens %s: %+v and output %d, %v; want %+v and 7", value, got, a.Usage.Output, a.OutputTold, want)
		}
	}
}

// A stream tells usage that is odd, or contradicts itself, on any of its events.
func TestOddUsageOfStreams(t *testing.T) {
	chunk := func(usage string) string {
		return `data: {"choices":[{"index":0,"delta":{"content":"abc"}}],"usage":` + usage + "}\n\n"
	}
	total := func(usage string) string { return `data: {"choices":[],"usage":` + usage + "}\n\n" }
	const two, three = `{"prompt_tokens":9,"completion_tokens":2}`, `{"prompt_tokens":9,"completion_tokens":3}`
	start := `data: {"type":"message_start","message":{"usage":{"input_tokens":9,"output_tokens":2}}}` + "\n\n"
	for name, tt := range map[string]struct {
		endpoint wire.Endpoint
		stream   string
		want     bool
	}{
		"none":                    {wire.ChatCompletions, chunk("null"), false},
		"as it grows":             {wire.ChatCompletions, chunk(two) + chunk(three) + total(three), false},
		"that shrinks":            {wire.ChatCompletions, chunk(three) + chunk(two), true},
		"that shrinks at the end": {wire.ChatCompletions, chunk(three) + total(two), true},
		"of two totals":           {wire.ChatCompletions, total(three) + total(two), true},
		"of a kind":               {wire.ChatCompletions, chunk(`{"prompt_tokens":9,"completion_tokens":"2"}`), true},
		"that is none":            {wire.ChatCompletions, chunk(`{"prompt_tokens":9,"completion_tokens":-2}`), true},
		"that is half":            {wire.ChatCompletions, chunk(`{"prompt_tokens":9}`), false}, // but its text is not metered
		"messages":                {wire.Messages, start + `data: {"type":"message_delta","delta":{},"usage":{"output_tokens":3}}` + "\n\n", false},
		"messages that shrink":    {wire.Messages, start + `data: {"type":"message_delta","delta":{},"usage":{"output_tokens":1}}` + "\n\n", true},
		"messages, none":          {wire.Messages, start + `data: {"type":"message_delta","delta":{},"usage":{"output_tokens":-1}}` + "\n\n", true},
		"responses, none":         {wire.Responses, `data: {"type":"response.completed","response":{"usage":{"input_tokens":9,"output_tokens":1.5}}}` + "\n\n", true},
	} {
		s := newStream(tt.endpoint, StreamOptions{})
		relayString(s, tt.stream)
		if got := s.Tally().IsOdd(); got != tt.want {
			t.Errorf("%s: odd is %v, want %v", name, got, tt.want)
		}
	}
}

// Behind the event that ends a stream nothing is relayed, and nothing metered.
func TestNothingComesBehindTheEnd(t *testing.T) {
	chunk := `data: {"choices":[{"index":0,"delta":{"content":"abc"}}],"usage":{"prompt_tokens":9,"completion_tokens":300}}` + "\n\n"
	block := "event: content_block_delta\n" + `data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a"}}` + "\n\n"
	delta := `data: {"type":"response.output_text.delta","delta":"a"}` + "\n\n"
	const done = "data: [DONE]\n\n"
	for name, tt := range map[string]struct {
		endpoint      wire.Endpoint
		until, beyond string
	}{
		"chat":                {wire.ChatCompletions, chunk + done, chunk + chunk + done},
		"completions, errors": {wire.Completions, done, `data: {"error":{"message":"x"}}` + "\n\n"},
		"done twice":          {wire.ChatCompletions, chunk + done, done},
		"messages":            {wire.Messages, messagesStream, block},
		"messages, done":      {wire.Messages, messagesStream + done, block + done},
		"responses":           {wire.Responses, responsesStream, delta},
		"responses, done":     {wire.Responses, responsesStream + ": comment\n\n" + done, delta},
	} {
		want := newStream(tt.endpoint, StreamOptions{IncludeUsage: true, ContinuousUsage: true})
		relayed := relayString(want, tt.until)
		got := newStream(tt.endpoint, StreamOptions{IncludeUsage: true, ContinuousUsage: true})
		if out := relayString(got, tt.until+tt.beyond); out != relayed || out != tt.until {
			t.Errorf("%s: %q was relayed, want %q", name, out, tt.until)
		}
		if meteredBy(got) != meteredBy(want) {
			t.Errorf("%s: metered %+v, want %+v", name, meteredBy(got), meteredBy(want))
		}
		if want.Beyond() || !got.Beyond() {
			t.Errorf("%s: beyond the end is %v, and %v with nothing there", name, got.Beyond(), want.Beyond())
		}
	}
}

func TestIsWhole(t *testing.T) {
	whole := `{"choices":[{"message":{"content":"a \" b"}}],"usage":{"prompt_tokens":1.5e3}}`
	for i := range len(whole) {
		if IsWhole([]byte(whole[:i])) {
			t.Errorf("%q is not whole", whole[:i])
		}
	}
	for _, body := range []string{whole, " " + whole + "\r\n", "[1,2]", "null"} {
		if !IsWhole([]byte(body)) {
			t.Errorf("%q is whole", body)
		}
	}
	for _, body := range []string{"", " ", whole + whole, whole + "}", "<html></html>"} {
		if IsWhole([]byte(body)) {
			t.Errorf("%q is not one value", body)
		}
	}
}
