package answer

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/token-rate-limiter/token-rate-limiter/internal/wire"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/event"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/metering"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/sse"
)

// relayAll puts a stream through s and returns what the client sees.
func relayAll(s *Stream, r io.Reader) string {
	var out []byte
	for scan := newScanner(r); ; {
		ev, err := scan.Next()
		if err != nil {
			return string(out)
		}
		out = s.Event(out, ev)
	}
}

func relayString(s *Stream, stream string) string { return relayAll(s, strings.NewReader(stream)) }

// metered is what a stream has metered.
type metered struct {
	Usage    wire.Usage
	Evidence metering.Evidence
	Complete bool
	Pending  int64 // bytes of unmetered text
}

func meteredBy(s *Stream) metered {
	u, e := s.Tally().Usage, s.Tally().Evidence
	return metered{u, e, s.Complete(), s.Tally().Unmetered.Bytes()}
}

// The client sees, byte for byte, what the model server would have sent without
// the gateway's options, under the public name; at any split of the stream.
func TestStreamIsTransparent(t *testing.T) {
	type shape struct {
		endpoint wire.Endpoint
		write    func(script) string
		script   script
	}
	shapes := []shape{
		{wire.ChatCompletions, script.chat, script{n: 1, prompts: 1, tokens: 3}},
		{wire.ChatCompletions, script.chat, script{n: 3, prompts: 1, tokens: 2}},
		{wire.Completions, script.completions, script{n: 1, prompts: 1, tokens: 3}},
		{wire.Completions, script.completions, script{n: 2, prompts: 3, tokens: 2}},
		{wire.Completions, script.completions, script{n: 2, prompts: 2, tokens: 2, spelled: true}},
	}
	for _, sh := range shapes {
		for _, o := range [][2]bool{{false, false}, {true, false}, {true, true}, {false, true}} {
			w := sh.script
			w.model, w.include, w.continuous = `public "이름"`, o[0], o[0] && o[1]
			t.Run(sh.endpoint.String()+" "+w.name(), func(t *testing.T) {
				options := StreamOptions{IncludeUsage: o[0], ContinuousUsage: o[1], PublicModel: w.model,
					Choices: int64(w.n), Prompts: int64(w.prompts)}
				upstream, want := sh.write(w.forced()), sh.write(w)
				s := newStream(sh.endpoint, options)
				checkRelay(t, s, upstream, want)
				for i := 0; i <= len(upstream); i += 7 {
					s.Reset(sh.endpoint, options)
					r := io.MultiReader(strings.NewReader(upstream[:i]), strings.NewReader(upstream[i:]))
					if got := relayAll(s, r); got != want {
						t.Fatalf("cut at %d:\n%s", i, cmp.Diff(want, got))
					}
				}
				for _, end := range []string{"\r\n", "\r"} {
					s.Reset(sh.endpoint, options)
					checkRelay(t, s, strings.ReplaceAll(upstream, "\n", end), strings.ReplaceAll(want, "\n", end))
				}
			})
		}
	}
}

func checkRelay(t *testing.T, s *Stream, upstream, want string) {
	t.Helper()
	if got := relayString(s, upstream); got != want {
		t.Errorf("(-want +got):\n%s", cmp.Diff(strings.SplitAfter(want, "\n"), strings.SplitAfter(got, "\n")))
	}
}

func TestStreamMeters(t *testing.T) {
	chat := script{n: 2, prompts: 1, tokens: 3}.forced()
	lists := script{n: 2, prompts: 3, tokens: 4}.forced()
	upTo := func(stream string, events int) string {
		return strings.Join(strings.SplitAfter(stream, "\n\n")[:events], "")
	}
	const head = `data: {"model":"m","choices":[{"index":0,"delta":{"content":"abc"}}]`
	tests := []struct {
		name     string
		endpoint wire.Endpoint
		options  StreamOptions
		stream   string
		want     metered
	}{
		{"nothing", wire.ChatCompletions, StreamOptions{}, "", metered{}},
		{"chat, first role", wire.ChatCompletions, StreamOptions{Choices: 2}, upTo(chat.chat(), 1),
			metered{wire.Usage{Input: 25, Output: 0, Cached: 0}, metering.RunningUsage, false, 0}},
		{"chat, choices interleaved", wire.ChatCompletions, StreamOptions{Choices: 2}, upTo(chat.chat(), 5),
			metered{wire.Usage{Input: 25, Output: 3, Cached: 0}, metering.RunningUsage, false, 0}},
		{"chat, all finished", wire.ChatCompletions, StreamOptions{Choices: 2}, upTo(chat.chat(), 8),
			metered{wire.Usage{Input: 25, Output: 6, Cached: 0}, metering.RunningUsage, true, 0}},
		{"chat, complete", wire.ChatCompletions, StreamOptions{Choices: 2}, chat.chat(),
			metered{wire.Usage{Input: 25, Output: 6, Cached: 16}, metering.FinalUsage, true, 0}},
		{"lists, one prompt seen", wire.Completions, StreamOptions{Choices: 2, Prompts: 3}, upTo(lists.completions(), 2),
			metered{wire.Usage{Input: 10, Output: 2, Cached: 0}, metering.RunningUsage, false, 0}},
		{"lists, all prompts seen", wire.Completions, StreamOptions{Choices: 2, Prompts: 3}, upTo(lists.completions(), 6),
			metered{wire.Usage{Input: 33, Output: 6, Cached: 0}, metering.RunningUsage, false, 0}},
		{"lists, complete", wire.Completions, StreamOptions{Choices: 2, Prompts: 3}, lists.completions(),
			metered{wire.Usage{Input: 33, Output: 24, Cached: 0}, metering.FinalUsage, true, 0}},
		{"no usage at all", wire.ChatCompletions, StreamOptions{}, head + "}\n\n" + head + "}\n\ndata: [DONE]\n\n",
			metered{wire.Usage{}, metering.NoEvidence, true, 6}},
		{"null usage is missing", wire.ChatCompletions, StreamOptions{}, head + `,"usage":null}` + "\n\n",
			metered{wire.Usage{}, metering.NoEvidence, false, 3}},
		{"empty usage is missing", wire.ChatCompletions, StreamOptions{}, head + `,"usage":{}}` + "\n\n",
			metered{wire.Usage{}, metering.NoEvidence, false, 3}},
		{"zero usage is zero", wire.ChatCompletions, StreamOptions{}, head + `,"usage":{"prompt_tokens":0,"completion_tokens":0}}` + "\n\n",
			metered{wire.Usage{}, metering.RunningUsage, false, 0}},
		{"text after the last usage", wire.ChatCompletions, StreamOptions{},
			head + `,"usage":{"prompt_tokens":9,"completion_tokens":1}}` + "\n\n" + head + "}\n\n",
			metered{wire.Usage{Input: 9, Output: 1, Cached: 0}, metering.RunningUsage, false, 3}},
		{"usage never falls", wire.ChatCompletions, StreamOptions{},
			head + `,"usage":{"prompt_tokens":9,"completion_tokens":5}}` + "\n\n" + head + `,"usage":{"prompt_tokens":9,"completion_tokens":4}}` + "\n\n",
			metered{wire.Usage{Input: 9, Output: 5, Cached: 0}, metering.RunningUsage, false, 0}},
		{"the total replaces it", wire.ChatCompletions, StreamOptions{},
			head + `,"usage":{"prompt_tokens":9,"completion_tokens":5}}` + "\n\n" + `data: {"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":7}}` + "\n\n",
			metered{wire.Usage{Input: 9, Output: 7, Cached: 0}, metering.FinalUsage, false, 0}},
		{"but not by less", wire.ChatCompletions, StreamOptions{},
			head + `,"usage":{"prompt_tokens":9,"completion_tokens":5}}` + "\n\n" + `data: {"choices":[],"usage":{"prompt_tokens":8,"completion_tokens":4}}` + "\n\n",
			metered{wire.Usage{Input: 9, Output: 5, Cached: 0}, metering.FinalUsage, false, 0}},
		{"nor by less that came before", wire.ChatCompletions, StreamOptions{},
			`data: {"choices":[],"usage":{"prompt_tokens":8,"completion_tokens":4}}` + "\n\n" + head + `,"usage":{"prompt_tokens":9,"completion_tokens":5}}` + "\n\n",
			metered{wire.Usage{Input: 9, Output: 5, Cached: 0}, metering.FinalUsage, false, 0}},
		{"text after the total", wire.ChatCompletions, StreamOptions{},
			`data: {"choices":[],"usage":{"prompt_tokens":8,"completion_tokens":4}}` + "\n\n" + head + "}\n\n",
			metered{wire.Usage{Input: 8, Output: 4, Cached: 0}, metering.FinalUsage, false, 3}},
		{"a total of half", wire.ChatCompletions, StreamOptions{},
			head + "}\n\n" + `data: {"choices":[],"usage":{"prompt_tokens":8,"completion_tokens":-4}}` + "\n\n",
			metered{wire.Usage{Input: 8, Output: 0, Cached: 0}, metering.RunningUsage, false, 3}},
		{"a total of the other half", wire.ChatCompletions, StreamOptions{},
			head + "}\n\n" + `data: {"choices":[],"usage":{"prompt_tokens":null,"completion_tokens":4}}` + "\n\n",
			metered{wire.Usage{Input: 0, Output: 4, Cached: 0}, metering.FinalUsage, false, 0}},
		{"whole numbers of a kind", wire.ChatCompletions, StreamOptions{},
			head + `,"usage":{"prompt_tokens":"9","completion_tokens":3e2}}` + "\n\n",
			metered{wire.Usage{Input: 9, Output: 300, Cached: 0}, metering.RunningUsage, false, 0}},
		{"two choices in a chunk", wire.ChatCompletions, StreamOptions{Choices: 2},
			`data: {"choices":[{"index":0},{"index":1}],"usage":{"prompt_tokens":9,"completion_tokens":5}}` + "\n\n" +
				`data: {"choices":[{"index":0}],"usage":{"prompt_tokens":9,"completion_tokens":6}}` + "\n\n",
			metered{wire.Usage{Input: 9, Output: 6, Cached: 0}, metering.RunningUsage, false, 0}},
		{"nonsense is missing", wire.ChatCompletions, StreamOptions{},
			head + `,"usage":{"prompt_tokens":-1,"completion_tokens":1.5,"total_tokens":1e3}}` + "\n\n",
			metered{wire.Usage{}, metering.NoEvidence, false, 3}},
		{"choices beyond the request are one", wire.ChatCompletions, StreamOptions{},
			`data: {"choices":[{"index":70000}],"usage":{"prompt_tokens":9,"completion_tokens":5}}` + "\n\n" +
				`data: {"choices":[{"index":80000}],"usage":{"prompt_tokens":9,"completion_tokens":6}}` + "\n\n",
			metered{wire.Usage{Input: 9, Output: 6, Cached: 0}, metering.RunningUsage, false, 0}},
		{"not JSON", wire.ChatCompletions, StreamOptions{}, "data: what?\n\n", metered{wire.Usage{}, metering.NoEvidence, false, 5}},
		{"reasoning twice", wire.ChatCompletions, StreamOptions{},
			`data: {"choices":[{"index":0,"delta":{"reasoning":"abc","reasoning_content":"abc"}}]}` + "\n\n", metered{Pending: 3}},
		{"reasoning by its old name", wire.ChatCompletions, StreamOptions{},
			`data: {"choices":[{"index":0,"delta":{"reasoning":null,"reasoning_content":"abc"}}]}` + "\n\n", metered{Pending: 3}},
		{"tool call", wire.ChatCompletions, StreamOptions{},
			`data: {"choices":[{"index":0,"delta":{"content":null,"tool_calls":[{"index":0,"id":"call_1","function":{"name":"add","arguments":"{\"a\":"}}]}}]}` + "\n\n",
			metered{Pending: 8}},
		{"done without a blank line", wire.ChatCompletions, StreamOptions{}, "data: [DONE]", metered{Complete: true}},
		{"messages", wire.Messages, StreamOptions{}, messagesStream, metered{wire.Usage{Input: 12, Output: 5, Cached: 0}, metering.FinalUsage, true, 0}},
		{"messages, half", wire.Messages, StreamOptions{}, upTo(messagesStream, 8), metered{wire.Usage{Input: 12, Output: 0, Cached: 0}, metering.RunningUsage, false, 7}},
		{"messages with a cache", wire.Messages, StreamOptions{},
			`data: {"type":"message_start","message":{"model":"m","usage":{"input_tokens":5,"cache_read_input_tokens":7,"cache_creation_input_tokens":2,"output_tokens":1}}}` + "\n\n" +
				`data: {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":3}}` + "\n\n",
			metered{wire.Usage{Input: 14, Output: 3, Cached: 7}, metering.FinalUsage, true, 0}},
		{"responses", wire.Responses, StreamOptions{}, responsesStream, metered{wire.Usage{Input: 9, Output: 7, Cached: 4}, metering.FinalUsage, true, 0}},
		{"responses, half", wire.Responses, StreamOptions{}, upTo(responsesStream, 4), metered{Pending: 10}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newStream(tt.endpoint, tt.options)
			relayString(s, tt.stream)
			if diff := cmp.Diff(tt.want, meteredBy(s)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// What all events say is the text, metered or not.
func TestStreamOutputText(t *testing.T) {
	s := newStream(wire.ChatCompletions, StreamOptions{})
	relayString(s, script{n: 1, prompts: 1, tokens: 3}.forced().chat())
	if got, want := s.Tally().Output, counted(` t"0,1} t"0,2} t"0,3}`); !got.Equal(want) {
		t.Errorf("text %+v, want %+v", got, want)
	}
}

func TestStreamRelay(t *testing.T) {
	const usage = `"usage":{"prompt_tokens":1,"completion_tokens":1}`
	tests := []struct {
		name     string
		endpoint wire.Endpoint
		options  StreamOptions
		in, want string
	}{
		{"comments pass", wire.ChatCompletions, StreamOptions{}, ": ping\r\n\r\n", ": ping\r\n\r\n"},
		{"several lines", wire.ChatCompletions, StreamOptions{PublicModel: "p"},
			": a\r\ndata: {\"model\":\r\ndata:\"m\",\"choices\":[1],\r\n: between\r\ndata: " + usage + "\r\nid: 7\r\ndata:  }\r\n\r\n",
			": a\r\ndata: {\"model\":\r\ndata:\"p\",\"choices\":[1]\r\nid: 7\r\ndata:  }\r\n\r\n"},
		{"odd white space", wire.ChatCompletions, StreamOptions{PublicModel: "p"},
			`data:{ "choices" : [{}] , ` + usage + ` , "model" : "m" }` + "\n\n",
			`data:{ "choices" : [{}]  , "model" : "p" }` + "\n\n"},
		{"a model that is none", wire.ChatCompletions, StreamOptions{PublicModel: "p"},
			`data: {"model":null,"choices":[]}` + "\n\n", `data: {"model":null,"choices":[]}` + "\n\n"},
		{"model kept", wire.ChatCompletions, StreamOptions{},
			`data: {"model":"m","choices":[]}` + "\n\n", `data: {"model":"m","choices":[]}` + "\n\n"},
		{"null usage, not asked for", wire.ChatCompletions, StreamOptions{},
			`data: {"choices":[{}],"usage":null}` + "\n\n", `data: {"choices":[{}]}` + "\n\n"},
		{"null usage, asked for", wire.ChatCompletions, StreamOptions{IncludeUsage: true},
			`data: {"choices":[{}],"usage":null}` + "\n\n", `data: {"choices":[{}],"usage":null}` + "\n\n"},
		{"null usage of completions", wire.Completions, StreamOptions{},
			`data: {"choices":[{}],"usage":null}` + "\n\n", `data: {"choices":[{}],"usage":null}` + "\n\n"},
		{"twice the same", wire.ChatCompletions, StreamOptions{PublicModel: "p"},
			`data: {"model":"m","usage":1,"usage":2}` + "\n\n", `data: {"model":"m","usage":1,"usage":2}` + "\n\n"},
		{"not JSON", wire.ChatCompletions, StreamOptions{PublicModel: "p"}, "data: {\"model\":\"m\"\n\n", "data: {\"model\":\"m\"\n\n"},
		{"broken off", wire.ChatCompletions, StreamOptions{}, "data: {\"model\":\"m\"", ""},
		{"done broken off", wire.ChatCompletions, StreamOptions{}, "data: [DONE]\r\n", "data: [DONE]\r\n"},
		{"messages", wire.Messages, StreamOptions{PublicModel: "p"}, messagesStream, strings.ReplaceAll(messagesStream, "served/name", "p")},
		{"responses", wire.Responses, StreamOptions{PublicModel: "p"}, responsesStream, strings.ReplaceAll(responsesStream, "served/name", "p")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			checkRelay(t, newStream(tt.endpoint, tt.options), tt.in, tt.want)
		})
	}
}

func TestStreamFailure(t *testing.T) {
	chunk := strings.SplitAfter(script{n: 1, prompts: 1, tokens: 1}.forced().chat(), "\n\n")[0]
	tests := []struct {
		name     string
		endpoint wire.Endpoint
		stream   string
		want     event.Error
	}{
		{"vLLM", wire.ChatCompletions, ": ping\n\n" + `data: {"error":{"message":"no \"x\"","type":"BadRequestError","param":null,"code":400}}` + "\n\ndata: [DONE]\n\n",
			event.Error{Status: 400, Type: "BadRequestError", Code: "400", Message: `no "x"`, First: true}},
		{"half-way", wire.ChatCompletions, chunk + `data: {"error":{"message":"gone","type":"server_error","code":"oops"}}` + "\n\n",
			event.Error{Status: 0, Type: "server_error", Code: "oops", Message: "gone", First: false}},
		{"older vLLM", wire.Completions, `data: {"object":"error","message":"bad","type":"BadRequestError","param":null,"code":400}` + "\n\n",
			event.Error{Status: 400, Type: "BadRequestError", Code: "400", Message: "bad", First: true}},
		{"a text", wire.ChatCompletions, `data: {"error":"bad"}` + "\n\n", event.Error{Message: "bad", First: true}},
		{"Anthropic", wire.Messages, "event: error\n" + `data: {"type":"error","error":{"type":"internal_error","message":"bad"}}` + "\n\n",
			event.Error{Status: 0, Type: "internal_error", Code: "", Message: "bad", First: true}},
		{"an event that is no JSON", wire.Messages, "event: error\ndata: Overloaded\n\n", event.Error{Message: "Overloaded", First: true}},
		{"Responses", wire.Responses, "event: error\n" + `data: {"type":"error","code":"x","message":"bad","param":null,"sequence_number":3}` + "\n\n",
			event.Error{Status: 0, Type: "error", Code: "x", Message: "bad", First: true}},
		{"a failed response", wire.Responses, `data: {"type":"response.failed","response":{"error":{"code":"server_error","message":"bad"}}}` + "\n\n",
			event.Error{Status: 0, Type: "", Code: "server_error", Message: "bad", First: true}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newStream(tt.endpoint, StreamOptions{IncludeUsage: true, ContinuousUsage: true})
			checkRelay(t, s, tt.stream, tt.stream)
			err, failed := s.Failure()
			if !failed {
				t.Fatal("no failure")
			}
			if diff := cmp.Diff(tt.want, *err); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if s.Complete() {
				t.Error("a failed stream is not complete")
			}
		})
	}
	s := newStream(wire.ChatCompletions, StreamOptions{})
	relayString(s, `data: {"error":{"message":"`+strings.Repeat("안", 1000)+`"}}`+"\n\n")
	if err, _ := s.Failure(); len(err.Message) != wire.ErrorTextMax/3*3 || strings.Trim(err.Message, "안") != "" {
		t.Errorf("a message of %d bytes: %q", len(err.Message), err.Message)
	}
}

func TestStreamReset(t *testing.T) {
	s := newStream(wire.Completions, StreamOptions{Choices: 2, Prompts: 2, PublicModel: "p"})
	relayString(s, script{n: 2, prompts: 2, tokens: 2, spelled: true}.forced().completions())
	s.Reset(wire.ChatCompletions, StreamOptions{})
	if diff := cmp.Diff(metered{}, meteredBy(s)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	w := script{n: 1, prompts: 1, tokens: 2}
	up := w.forced()
	w.model = up.model
	checkRelay(t, s, up.chat(), w.chat())
}

func FuzzStream(f *testing.F) {
	for e, stream := range map[wire.Endpoint]string{
		wire.ChatCompletions: script{n: 2, prompts: 1, tokens: 2}.forced().chat(),
		wire.Completions:     script{n: 1, prompts: 2, tokens: 2, spelled: true}.forced().completions(),
		wire.Messages:        messagesStream,
		wire.Responses:       responsesStream,
	} {
		f.Add(uint8(e), uint8(0), []byte(stream))
		f.Add(uint8(e), uint8(7), []byte(strings.ReplaceAll(stream, "\n", "\r")))
	}
	f.Fuzz(func(t *testing.T, e, flags uint8, stream []byte) {
		endpoint := wire.Endpoints[int(e)%len(wire.Endpoints)]
		o := StreamOptions{IncludeUsage: flags&1 > 0, ContinuousUsage: flags&2 > 0, Choices: int64(flags >> 4)}
		s := newStream(endpoint, o)
		out := relayAll(s, bytes.NewReader(stream))
		if !isSubsequence([]byte(out), stream) && endpoint != wire.Completions {
			t.Fatalf("%q is not a part of %q", out, stream)
		}
		u := s.Tally().Usage
		if u.Input < 0 || u.Output < 0 || u.Cached < 0 || u.Cached > u.Input {
			t.Fatalf("usage %+v", u)
		}
		end := string(s.AppendFinish(nil, u))
		if end != "" && endpoint.Generates() {
			checkEvents(t, end)
		}
	})
}

// isSubsequence reports whether part is what is left of whole after cuts.
func isSubsequence(part, whole []byte) bool {
	for _, b := range part {
		i := bytes.IndexByte(whole, b)
		if i < 0 {
			return false
		}
		whole = whole[i+1:]
	}
	return true
}

func TestStreamDoesNotAllocate(t *testing.T) {
	ev := sse.Parse([]byte(chatChunkLine))
	s := newStream(wire.ChatCompletions, StreamOptions{PublicModel: "llama2-7b"})
	dst := make([]byte, 0, 1024)
	s.Event(dst, ev)
	if n := testing.AllocsPerRun(100, func() { s.Event(dst, ev) }); n != 0 {
		t.Errorf("%v allocations an event", n)
	}
}

func BenchmarkStreamEvent(b *testing.B) {
	ev := sse.Parse([]byte(chatChunkLine))
	s := newStream(wire.ChatCompletions, StreamOptions{PublicModel: "llama2-7b"})
	dst := make([]byte, 0, 1024)
	b.SetBytes(int64(len(ev.Raw)))
	b.ReportAllocs()
	for b.Loop() {
		s.Event(dst, ev)
	}
}
