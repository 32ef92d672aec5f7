package streams

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/token-rate-limiter/token-rate-limiter/internal/apptest"
	"github.com/token-rate-limiter/token-rate-limiter/internal/mockvllm"
)

// fixed makes the model server tell the same time in both answers.
func fixed() time.Time { return time.Unix(1_800_000_000, 0) }

// variant is one way to ask for an answer.
type variant struct{ name, text string }

// streamOptions are all that a client can say about usage, and what may stand
// beside it.
var streamOptions = []variant{
	{"absent", ``},
	{"null", `,"stream_options":null`},
	{"empty", `,"stream_options":{}`},
	{"no usage", `,"stream_options":{"include_usage":false,"continuous_usage_stats":false}`},
	{"continuous alone", `,"stream_options":{"include_usage":false,"continuous_usage_stats":true}`},
	{"usage", `,"stream_options":{"include_usage":true,"continuous_usage_stats":false}`},
	{"usage on every chunk", `, "stream_options" : { "continuous_usage_stats" : true , "include_usage" : true }`},
	{"nulls", `,"stream_options":{"include_usage":null,"continuous_usage_stats":null}`},
}

// shapes are, per path, what an answer can consist of.
var shapes = map[string][]variant{
	chatPath: {
		{"one choice", ``},
		{"three choices", `,"n":3`},
		{"log probabilities", `,"n":2,"logprobs":true`},
	},
	completionsPath: {
		{"one choice", ``},
		{"three choices", `,"n":3`},
		{"best of four", `,"n":2,"best_of":4`},
	},
	responsesPath: {{"plain", ``}},
	messagesPath:  {{"plain", ``}},
}

// framings are the ways in which the model server writes its events.
var framings = []variant{
	{"plain", `"output_tokens":5`},
	{"uneven choices", `"choice_tokens":[1,7,0],"output_tokens":3`},
	{"empty", `"output_tokens":0`},
	{"CRLF", `"output_tokens":5,"line_end":"crlf"`},
	{"CR", `"output_tokens":5,"line_end":"cr"`},
	{"comments", `"output_tokens":5,"comments":true,"ping":true`},
	{"byte order mark", `"output_tokens":5,"bom":true`},
	{"several lines", `"output_tokens":5,"multiline":true`},
	{"bytes", `"output_tokens":3,"split":1`},
	{"odd frames", `"output_tokens":6,"split":13,"line_end":"crlf","comments":true,"bom":true`},
	{"reasoning, cached, Korean", `"output_tokens":6,"reasoning_tokens":2,"cached_tokens":2,"language":"ko"`},
	{"tool call", `"output_tokens":4,"tool_call":true`},
	{"spelled-out nulls", `"output_tokens":4,"null_usage":true`},
	{"no usage", `"output_tokens":4,"usage":"none"`},
	{"null usage", `"output_tokens":4,"usage":"null"`},
	{"zero usage", `"output_tokens":4,"usage":"zero"`},
	{"final usage only", `"output_tokens":4,"usage":"final-only"`},
	{"no end", `"output_tokens":4,"fail":"no-done"`},
	{"large events", `"output_tokens":3,"token_bytes":70000`},
}

// takesOptions reports whether an endpoint has choices and stream options.
func takesOptions(path string) bool { return path == chatPath || path == completionsPath }

// undecidable reports whether nobody could tell what the model server would have
// sent. One that answers every request for usage with null writes what another
// one writes that was not asked: see [answer.Stream]. One that leaves the end of
// responses or messages out has broken the answer off, and the client is told.
func undecidable(path, options, framing string) bool {
	switch framing {
	case "null usage":
		return path == completionsPath || options == "usage" || options == "empty"
	case "no end":
		return path == responsesPath || path == messagesPath
	}
	return false
}

// withoutComments drops the blocks of comments: the model server writes one
// before every event, also before those that the client must not see.
func withoutComments(answer string) string {
	return strings.NewReplacer(": a comment\n\n", "", ": a comment\r\n\r\n", "").Replace(answer)
}

// pair is a gateway whose model server is asked directly as well.
type pair struct {
	*apptest.Gateway
	client *http.Client
	asked  int
}

func newPair(t *testing.T, o apptest.Options) *pair {
	o.Mock.Clock = fixed
	return &pair{Gateway: apptest.Start(t, o), client: newClient(t)}
}

// both sends body directly and through the gateway, under one request id, and
// returns what came.
func (p *pair) both(t *testing.T, path, body string) (direct, through string) {
	t.Helper()
	p.asked++
	id := fmt.Sprintf("same-%d", p.asked)
	answer := func(base string) string {
		c, err := send(t.Context(), p.client, base, path, "alice", id, body)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Body.Close()
		b, err := io.ReadAll(c.events)
		if err != nil || c.StatusCode != http.StatusOK {
			t.Fatalf("%s: %d, %v: %s", base, c.StatusCode, err, b)
		}
		return c.Header.Get("Content-Type") + "\n" + string(b)
	}
	direct, through = answer(p.MockURL), answer(p.URL)
	if strings.Contains(body, `"comments":true`) && !strings.Contains(body, `"include_usage":true`) {
		direct, through = withoutComments(direct), withoutComments(through)
	}
	return direct, through
}

// TestTransparent compares every combination with a direct answer, byte for
// byte: all stream options with all shapes and framings.
func TestTransparent(t *testing.T) {
	p := newPair(t, apptest.Options{Limits: "{max-tokens-per-day: 100000000}"})
	compared := 0
	for path := range shapes {
		for _, shape := range shapes[path] {
			for _, options := range streamOptions {
				for _, framing := range framings {
					if undecidable(path, options.name, framing.name) || !takesOptions(path) && options.name != "absent" {
						continue
					}
					direct, through := p.both(t, path, streamed(path, shape.text+options.text, framing.text))
					if direct != through {
						t.Errorf("%s, %s, stream options %s, %s (-direct +through):\n%s",
							path, shape.name, options.name, framing.name, cmp.Diff(direct, through))
					}
					compared++
				}
			}
		}
	}
	t.Logf("%d streams are the same bytes", compared)
}

// TestTransparentPrompts does so for lists of prompts, whose usage is per
// prompt.
func TestTransparentPrompts(t *testing.T) {
	p := newPair(t, apptest.Options{Limits: "{max-tokens-per-day: 100000000}"})
	for _, prompt := range []string{`["one","and two","a third one"]`, `[[1,2,3],[4]]`, `[5,6,7]`} {
		for _, shape := range shapes[completionsPath] {
			for _, options := range streamOptions {
				b := fmt.Sprintf(`{"model":%q,"prompt":%s,"stream":true%s%s,"mock":{"choice_tokens":[4,1,6],"output_tokens":3,"split":31}}`,
					apptest.Model, prompt, shape.text, options.text)
				if direct, through := p.both(t, completionsPath, b); direct != through {
					t.Errorf("%s, %s, stream options %s (-direct +through):\n%s", prompt, shape.name, options.name, cmp.Diff(direct, through))
				}
			}
		}
	}
}

// TestTransparentAnswers compares answers that are one JSON object.
func TestTransparentAnswers(t *testing.T) {
	p := newPair(t, apptest.Options{Limits: "{max-tokens-per-day: 100000000}"})
	for path := range shapes {
		for _, shape := range shapes[path] {
			for _, framing := range framings {
				if direct, through := p.both(t, path, body(path, shape.text, framing.text)); direct != through {
					t.Errorf("%s, %s, %s (-direct +through):\n%s", path, shape.name, framing.name, cmp.Diff(direct, through))
				}
			}
		}
	}
}

// TestTransparentModel compares answers of a model that its server knows by
// another name: the names of the model differ, and nothing else.
func TestTransparentModel(t *testing.T) {
	const served = "meta/llama \"2\""
	p := newPair(t, apptest.Options{
		Limits: "{max-tokens-per-day: 100000000}", Service: `served-as: 'meta/llama "2"'`,
		Mock: mockvllm.Options{Models: []mockvllm.Model{{Name: served}, {Name: apptest.Model}}},
	})
	for path := range shapes {
		for _, framing := range framings {
			p.compareNames(t, path, framing, body(path, ``, framing.text), served)
			if !undecidable(path, "absent", framing.name) {
				p.compareNames(t, path, framing, streamed(path, ``, framing.text), served)
			}
			if takesOptions(path) && !undecidable(path, "usage", framing.name) {
				p.compareNames(t, path, framing, streamed(path, `,"n":2,"stream_options":{"include_usage":true}`, framing.text), served)
			}
		}
	}
}

// compareNames compares an answer with the one that the model server gives for
// its model of the public name, and checks which one it was asked for.
func (p *pair) compareNames(t *testing.T, path string, framing variant, body, served string) {
	t.Helper()
	direct, through := p.both(t, path, body)
	if direct != through {
		t.Errorf("%s, %s (-direct +through):\n%s", path, framing.name, cmp.Diff(direct, through))
	}
	if e, _ := p.Ledger.Entry(fmt.Sprintf("same-%d", p.asked)); e.Model != served {
		t.Fatalf("the model server was asked for %q", e.Model)
	}
}
