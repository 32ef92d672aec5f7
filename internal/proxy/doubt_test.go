package proxy

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/catalog"
	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
	"github.com/token-rate-limiter/token-rate-limiter/internal/limit/limittest"
	"github.com/token-rate-limiter/token-rate-limiter/internal/openai"
	"github.com/token-rate-limiter/token-rate-limiter/internal/usage"
)

// An answer of so many words, from a model with so long a context, to a request that
// is estimated to have so much input.
const (
	words         = 200
	contextLength = 4096
	inputEstimate = 20
)

// judging returns an exchange whose answer is about to be judged.
func judging(t testing.TB, e openai.Endpoint) *exchange {
	x := &exchange{visit: visit{
		endpoint: e,
		request:  openai.Request{Endpoint: e, Stream: true, Sequences: 1, Choices: 1, Prompts: 1, OutputCap: 1000},
		model: &catalog.Model{
			Pricer: usage.NewPricer(usage.Options{ContextLength: contextLength}),
			Policy: limittest.Policy(t, limit.PolicyOptions{}),
		},
		estimate: usage.Price{Input: inputEstimate},
		sent:     time.Now(),
	}}
	x.stream.Reset(e, openai.StreamOptions{})
	return x
}

var text = strings.Repeat("some ", words)

// answerWith returns an answer with a usage, whole and streamed. In the stream the
// text comes in pieces, each with the usage where the endpoint has that.
func answerWith(e openai.Endpoint, told string) (whole string, events []string) {
	pieces := words / 10
	piece := strings.Repeat("some ", words/pieces)
	switch e {
	case openai.Messages:
		whole = fmt.Sprintf(`{"content":[{"type":"text","text":%q}],"usage":%s}`, text, told)
		events = append(events, `{"type":"message_start","message":{}}`)
		for range pieces {
			events = append(events, fmt.Sprintf(`{"type":"content_block_delta","delta":{"type":"text_delta","text":%q}}`, piece))
		}
		events = append(events, `{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":`+told+`}`, `{"type":"message_stop"}`)
	case openai.Responses:
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
func checkUsage(t *testing.T, e openai.Endpoint, told string) {
	t.Helper()
	whole, events := answerWith(e, told)
	x := judging(t, e)
	x.answer = []byte(whole)
	a := openai.ReadAnswer(x.answer)
	checkSpent(t, fmt.Sprintf("%v, usage %s", e, told), x.whole(&a))
	x = judging(t, e)
	for _, data := range events {
		ev := openai.ParseEvent([]byte("data: " + data + "\n\n"))
		x.stream.Event(nil, ev)
	}
	checkSpent(t, fmt.Sprintf("%v, streamed, usage %s", e, told), x.partial())
}

func checkSpent(t *testing.T, what string, s spent) {
	t.Helper()
	if s.usage == (openai.Usage{}) && !s.estimated() {
		return
	}
	u := s.usage
	if u.Output < words-1 || u.Output > int64(len(text))+1000 || u.Input < 0 || u.Input > contextLength || u.Cached < 0 || u.Cached > u.Input {
		t.Errorf("%s: charged %+v, estimated %v", what, u, s.estimated())
	}
	if u.Output > 2*words && s.estimated() {
		t.Errorf("%s: %d words are estimated as %d tokens", what, words, u.Output)
	}
}

var generating = []openai.Endpoint{openai.ChatCompletions, openai.Completions, openai.Messages, openai.Responses}

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
			x := judging(t, e)
			x.answer = []byte(whole)
			a := openai.ReadAnswer(x.answer)
			if s := x.whole(&a); s.estimated() || s.usage.Output != n || s.usage.Input != 30 {
				t.Errorf("%v: %d of %d tokens, estimated %v", e, s.usage.Output, n, s.estimated())
			}
			x = judging(t, e)
			for _, data := range events {
				x.stream.Event(nil, openai.ParseEvent([]byte("data: "+data+"\n\n")))
			}
			if s := x.partial(); s.estimated() || s.usage.Output != n || s.usage.Input != 30 {
				t.Errorf("%v, streamed: %d of %d tokens, estimated %v", e, s.usage.Output, n, s.estimated())
			}
		}
	}
}

// Reasoning that is not shown takes its time, and sequences that are not returned
// are asked for: what they cost is plausible. A burst of it is not.
func TestHiddenTokensArePlausible(t *testing.T) {
	told := func(tokens int64, away time.Duration, sequences int64) bool {
		x := judging(t, openai.ChatCompletions)
		x.request.OutputCap, x.request.Sequences, x.away = 3000, sequences, away
		x.answer = fmt.Appendf(nil, `{"choices":[{"message":{"content":"Yes."}}],"usage":{"prompt_tokens":30,"completion_tokens":%d}}`, tokens)
		a := openai.ReadAnswer(x.answer)
		s := x.whole(&a)
		return s.usage.Output == tokens && !s.estimated()
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
		x := judging(t, openai.Embeddings)
		x.answer = []byte(`{"data":[],"usage":` + told + `}`)
		a := openai.ReadAnswer(x.answer)
		if s := x.whole(&a); s.usage.Output != 0 || s.usage.Input < 9 || s.usage.Input > inputEstimate {
			t.Errorf("usage %s: %+v", told, s.usage)
		}
	}
}
