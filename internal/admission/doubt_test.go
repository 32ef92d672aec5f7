package admission

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
	"github.com/token-rate-limiter/token-rate-limiter/internal/limit/limittest"
	"github.com/token-rate-limiter/token-rate-limiter/internal/usage"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/answer"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/chars"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/request"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/sse"
)

// An answer of so many words, from a model with so long a context, to a request that
// is estimated to have so much input.
const (
	words         = 200
	contextLength = 4096
	inputEstimate = 20
)

// judged is a ticket whose answer is about to be judged, and the answer's stream.
type judged struct {
	Ticket
	stream answer.Stream
}

func judging(t testing.TB, e wire.Endpoint) *judged {
	x := new(judged)
	x.Begin(Request{
		Observer: nobody{},
		Call:     &request.Request{Endpoint: e, Stream: true, Sequences: 1, Choices: 1, Prompts: 1, OutputCap: 1000},
		Terms: Terms{
			Pricer: usage.NewPricer(usage.Options{ContextLength: contextLength}),
			Policy: limittest.Policy(t, limit.PolicyOptions{}),
		},
	})
	x.price = usage.Price{Input: inputEstimate}
	x.Sent(time.Now())
	x.Metered(true)
	x.stream.Reset(e, answer.StreamOptions{})
	return x
}

// whole judges an answer that is one JSON object, and took so long.
func (x *judged) whole(body string, took time.Duration) Cost {
	a := answer.Read([]byte(body))
	return x.Told(&a, int64(len(body)), took, func() chars.Text { return answer.Text(x.request.Call.Endpoint, []byte(body)) })
}

// streamed judges a stream of such events.
func (x *judged) streamed(events []string) Cost {
	for _, data := range events {
		x.stream.Event(nil, sse.Parse([]byte("data: "+data+"\n\n")))
	}
	return x.Partial(&x.stream, time.Now())
}

var text = strings.Repeat("some ", words)

// answerWith returns an answer with a usage, whole and streamed. In the stream the
// text comes in pieces, each with the usage where the endpoint has that.
func answerWith(e wire.Endpoint, told string) (whole string, events []string) {
	pieces := words / 10
	piece := strings.Repeat("some ", words/pieces)
	switch e {
	case wire.Messages:
		whole = fmt.Sprintf(`{"content":[{"type":"text","text":%q}],"usage":%s}`, text, told)
		events = append(events, `{"type":"message_start","message":{}}`)
		for range pieces {
			events = append(events, fmt.Sprintf(`{"type":"content_block_delta","delta":{"type":"text_delta","text":%q}}`, piece))
		}
		events = append(events, `{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":`+told+`}`, `{"type":"message_stop"}`)
	case wire.Responses:
		whole = fmt.Sprintf(`{"output":[{"content":[{"type":"output_text","text":%q}]}],"usage":%s}`, text, told)
		for range pieces {
			events = append(events, fmt.Sprintf(`{"type":"response.output_text.delta","delta":%q}`, piece))
		}
		events = append(events, `{"type":"response.completed","response":{"usage":`+told+`}}`)
	default:
		whole = fmt.Sprintf(`{"choices":[{"index":0,"text":%q}],"usage":%s}`, text, told)
		for range pieces {
			events = append(events, fmt.Sprintf(`{"choices":[{"index":0,"text":%q}],"usage":%s}`, piece, told))
		}
		events = append(events, `{"choices":[],"usage":`+told+`}`, `[DONE]`)
	}
	return whole, events
}

// checkUsage judges an answer of 200 words by a usage, which may be any JSON value:
// whatever it says, they cost no less than their words and no more than can have been,
// and the input is none that no prompt can have. But one that says zero throughout is
// believed.
func checkUsage(t *testing.T, e wire.Endpoint, told string) {
	t.Helper()
	whole, events := answerWith(e, told)
	checkCost(t, fmt.Sprintf("%v, usage %s", e, told), judging(t, e).whole(whole, 0))
	checkCost(t, fmt.Sprintf("%v, streamed, usage %s", e, told), judging(t, e).streamed(events))
}

func checkCost(t *testing.T, what string, c Cost) {
	t.Helper()
	if c.Usage == (wire.Usage{}) && !c.Estimated() {
		return
	}
	u := c.Usage
	if u.Output < words-1 || u.Output > int64(len(text))+1000 || u.Input < 0 || u.Input > contextLength || u.Cached < 0 || u.Cached > u.Input {
		t.Errorf("%s: charged %+v, estimated %v", what, u, c.Estimated())
	}
	if u.Output > 2*words && c.Estimated() {
		t.Errorf("%s: %d words are estimated as %d tokens", what, words, u.Output)
	}
}

var generating = []wire.Endpoint{wire.ChatCompletions, wire.Completions, wire.Messages, wire.Responses}

// usageOf returns a usage object of any shape.
func usageOf(rng *rand.Rand) string {
	values := []string{
		"0", "1", "7", "199", "200", "250", "300.0", "2e2", "-1", "-0", "1e15", "9007199254740991", "9007199254740992", "99999999999999999999",
		"null", `"200"`, `"x"`, `""`, "true", "[]", "{}", "0.5", "4097", "1e999",
	}
	names := []string{
		"prompt_tokens", "completion_tokens", "total_tokens", "input_tokens", "output_tokens", "cache_read_input_tokens",
		"cache_creation_input_tokens", "prompt_tokens_details", "x",
	}
	var b strings.Builder
	for range rng.IntN(5) {
		if b.Len() > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "%q:%s", names[rng.IntN(len(names))], values[rng.IntN(len(values))])
	}
	return "{" + b.String() + "}"
}

func TestUsageOfAnyShape(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 3_000 {
		checkUsage(t, generating[rng.IntN(len(generating))], usageOf(rng))
		if t.Failed() {
			return
		}
	}
}

func FuzzUsage(f *testing.F) {
	rng := rand.New(rand.NewPCG(3, 4))
	for i := range 40 {
		f.Add(uint8(i), usageOf(rng))
	}
	f.Add(uint8(0), "null")
	f.Fuzz(func(t *testing.T, e uint8, told string) {
		if json.Valid([]byte(told)) && !strings.ContainsAny(told, "\r\n") {
			checkUsage(t, generating[int(e)%len(generating)], told)
		}
	})
}

// What is plausible stays as it is told.
func TestPlausibleUsageIsTaken(t *testing.T) {
	for _, e := range generating {
		for _, n := range []int64{words, words + 40, 3 * words} {
			told := fmt.Sprintf(`{"prompt_tokens":30,"completion_tokens":%d}`, n)
			whole, events := answerWith(e, told)
			if c := judging(t, e).whole(whole, 0); c.Estimated() || c.Usage.Output != n || c.Usage.Input != 30 {
				t.Errorf("%v: %d of %d tokens, estimated %v", e, c.Usage.Output, n, c.Estimated())
			}
			if c := judging(t, e).streamed(events); c.Estimated() || c.Usage.Output != n || c.Usage.Input != 30 {
				t.Errorf("%v, streamed: %d of %d tokens, estimated %v", e, c.Usage.Output, n, c.Estimated())
			}
		}
	}
}

// Reasoning that is not shown takes its time, and sequences that are not returned
// are asked for: what they cost is plausible. A burst of it is not.
func TestHiddenTokensArePlausible(t *testing.T) {
	told := func(tokens int64, took time.Duration, sequences int64) bool {
		x := judging(t, wire.ChatCompletions)
		x.request.Call.OutputCap, x.request.Call.Sequences = 3000, sequences
		c := x.whole(fmt.Sprintf(`{"choices":[{"message":{"content":"Yes."}}],"usage":{"prompt_tokens":30,"completion_tokens":%d}}`, tokens), took)
		return c.Usage.Output == tokens && !c.Estimated()
	}
	if !told(2500, 10*time.Second, 1) || !told(600, time.Millisecond, 8) {
		t.Error("tokens that are not shown are doubted")
	}
	if told(2500, 100*time.Millisecond, 1) || told(3001, time.Hour, 1) {
		t.Error("more than there can have been is believed")
	}
}

// An endpoint that generates nothing has no output, whatever its usage says.
func TestOutputOfEndpointsWithoutAny(t *testing.T) {
	for _, told := range []string{`{"prompt_tokens":9,"completion_tokens":5}`, `{"prompt_tokens":9,"completion_tokens":-5}`, `{"prompt_tokens":9}`, `null`, `5`} {
		c := judging(t, wire.Embeddings).whole(`{"data":[],"usage":`+told+`}`, 0)
		if c.Usage.Output != 0 || c.Usage.Input < 9 || c.Usage.Input > inputEstimate {
			t.Errorf("usage %s: %+v", told, c.Usage)
		}
	}
}

// TestUsageThatShrinks: a stream that tells fewer tokens than it has told before contradicts
// itself. Its output is the most that it told, or what its text is estimated at where that is
// more and the text cannot be the prompt.
func TestUsageThatShrinks(t *testing.T) {
	piece := func(output int64, text string) string {
		return fmt.Sprintf(`{"choices":[{"index":0,"text":%q}],"usage":{"prompt_tokens":30,"completion_tokens":%d}}`, text, output)
	}
	estimate := judging(t, wire.Completions).outputTokens(answer.Text(wire.Completions, fmt.Appendf(nil, `{"choices":[{"text":%q}]}`, text)), 0)
	for _, echo := range []bool{false, true} {
		for _, most := range []int64{estimate - 20, estimate + 20} {
			x := judging(t, wire.Completions)
			x.request.Call.Echo = echo
			c := x.streamed([]string{piece(most, text), piece(most-10, "")})
			want := max(most, estimate)
			if echo {
				want = most
			}
			if c.Doubt != Unreadable || c.Usage.Output != want {
				t.Errorf("echo %v, %d tokens at most: %d with the doubt %v, want %d with %v", echo, most, c.Usage.Output, c.Doubt, want, Unreadable)
			}
		}
	}
}
