package openai

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/sse"
)

// relayAll puts a stream through s and returns what the client sees.
func relayAll(s *Stream, r io.Reader) string {
	var out []byte
	for scan := sse.NewScanner(r, 0); ; {
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
	Usage    Usage
	Evidence Evidence
	Complete bool
	Pending  int64 // bytes of unmetered text
}

func meteredBy(s *Stream) metered {
	u, e := s.Usage()
	return metered{u, e, s.Complete(), s.Unmetered().Bytes()}
}

// The client sees, byte for byte, what the model server would have sent without
// the gateway's options, under the public name; at any split of the stream.
func TestStreamIsTransparent(t *testing.T) {
	type shape struct {
		endpoint Endpoint
		write    func(wire) string
		wire     wire
	}
	shapes := []shape{
		{ChatCompletions, wire.chat, wire{n: 1, prompts: 1, tokens: 3}},
		{ChatCompletions, wire.chat, wire{n: 3, prompts: 1, tokens: 2}},
		{Completions, wire.completions, wire{n: 1, prompts: 1, tokens: 3}},
		{Completions, wire.completions, wire{n: 2, prompts: 3, tokens: 2}},
		{Completions, wire.completions, wire{n: 2, prompts: 2, tokens: 2, spelled: true}},
	}
	for _, sh := range shapes {
		for _, o := range [][2]bool{{false, false}, {true, false}, {true, true}, {false, true}} {
			w := sh.wire
			w.model, w.include, w.continuous = `public "이름"`, o[0], o[0] && o[1]
			t.Run(sh.endpoint.String()+" "+w.name(), func(t *testing.T) {
				options := StreamOptions{IncludeUsage: o[0], ContinuousUsage: o[1], PublicModel: w.model,
					Choices: int64(w.n), Prompts: int64(w.prompts)}
				upstream, want := sh.write(w.forced()), sh.write(w)
				s := NewStream(sh.endpoint, options)
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
	chat := wire{n: 2, prompts: 1, tokens: 3}.forced()
	lists := wire{n: 2, prompts: 3, tokens: 4}.forced()
	upTo := func(stream string, events int) string {
		return strings.Join(strings.SplitAfter(stream, "\n\n")[:events], "")
	}
	const head = `data: {"model":"m","choices":[{"index":0,"delta":{"content":"abc"}}]`
	tests := []struct {
		name     string
		endpoint Endpoint
		options  StreamOptions
		stream   string
		want     metered
	}{
		{"nothing", ChatCompletions, StreamOptions{}, "", metered{}},
		{"chat, first role", ChatCompletions, StreamOptions{Choices: 2}, upTo(chat.chat(), 1),
			metered{Usage{25, 0, 0}, RunningUsage, false, 0}},
		{"chat, choices interleaved", ChatCompletions, StreamOptions{Choices: 2}, upTo(chat.chat(), 5),
			metered{Usage{25, 3, 0}, RunningUsage, false, 0}},
		{"chat, all finished", ChatCompletions, StreamOptions{Choices: 2}, upTo(chat.chat(), 8),
			metered{Usage{25, 6, 0}, RunningUsage, true, 0}},
		{"chat, complete", ChatCompletions, StreamOptions{Choices: 2}, chat.chat(),
			metered{Usage{25, 6, 16}, FinalUsage, true, 0}},
		{"lists, one prompt seen", Completions, StreamOptions{Choices: 2, Prompts: 3}, upTo(lists.completions(), 2),
			metered{Usage{10, 2, 0}, RunningUsage, false, 0}},
		{"lists, all prompts seen", Completions, StreamOptions{Choices: 2, Prompts: 3}, upTo(lists.completions(), 6),
			metered{Usage{33, 6, 0}, RunningUsage, false, 0}},
		{"lists, complete", Completions, StreamOptions{Choices: 2, Prompts: 3}, lists.completions(),
			metered{Usage{33, 24, 0}, FinalUsage, true, 0}},
		{"no usage at all", ChatCompletions, StreamOptions{}, head + "}\n\n" + head + "}\n\ndata: [DONE]\n\n",
			metered{Usage{}, NoEvidence, true, 6}},
		{"null usage is missing", ChatCompletions, StreamOptions{}, head + `,"usage":null}` + "\n\n",
			metered{Usage{}, NoEvidence, false, 3}},
		{"empty usage is missing", ChatCompletions, StreamOptions{}, head + `,"usage":{}}` + "\n\n",
			metered{Usage{}, NoEvidence, false, 3}},
		{"zero usage is zero", ChatCompletions, StreamOptions{}, head + `,"usage":{"prompt_tokens":0,"completion_tokens":0}}` + "\n\n",
			metered{Usage{}, RunningUsage, false, 0}},
		{"text after the last usage", ChatCompletions, StreamOptions{},
			head + `,"usage":{"prompt_tokens":9,"completion_tokens":1}}` + "\n\n" + head + "}\n\n",
			metered{Usage{9, 1, 0}, RunningUsage, false, 3}},
		{"usage never falls", ChatCompletions, StreamOptions{},
			head + `,"usage":{"prompt_tokens":9,"completion_tokens":5}}` + "\n\n" + head + `,"usage":{"prompt_tokens":9,"completion_tokens":4}}` + "\n\n",
			metered{Usage{9, 5, 0}, RunningUsage, false, 0}},
		{"the total replaces it", ChatCompletions, StreamOptions{},
			head + `,"usage":{"prompt_tokens":9,"completion_tokens":5}}` + "\n\n" + `data: {"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":7}}` + "\n\n",
			metered{Usage{9, 7, 0}, FinalUsage, false, 0}},
		{"but not by less", ChatCompletions, StreamOptions{},
			head + `,"usage":{"prompt_tokens":9,"completion_tokens":5}}` + "\n\n" + `data: {"choices":[],"usage":{"prompt_tokens":8,"completion_tokens":4}}` + "\n\n",
			metered{Usage{9, 5, 0}, FinalUsage, false, 0}},
		{"nor by less that came before", ChatCompletions, StreamOptions{},
			`data: {"choices":[],"usage":{"prompt_tokens":8,"completion_tokens":4}}` + "\n\n" + head + `,"usage":{"prompt_tokens":9,"completion_tokens":5}}` + "\n\n",
			metered{Usage{9, 5, 0}, FinalUsage, false, 0}},
		{"text after the total", ChatCompletions, StreamOptions{},
			`data: {"choices":[],"usage":{"prompt_tokens":8,"completion_tokens":4}}` + "\n\n" + head + "}\n\n",
			metered{Usage{8, 4, 0}, FinalUsage, false, 3}},
		{"a total of half", ChatCompletions, StreamOptions{},
			head + "}\n\n" + `data: {"choices":[],"usage":{"prompt_tokens":8,"completion_tokens":-4}}` + "\n\n",
			metered{Usage{8, 0, 0}, RunningUsage, false, 3}},
		{"a total of the other half", ChatCompletions, StreamOptions{},
			head + "}\n\n" + `data: {"choices":[],"usage":{"prompt_tokens":null,"completion_tokens":4}}` + "\n\n",
			metered{Usage{0, 4, 0}, FinalUsage, false, 0}},
		{"whole numbers of a kind", ChatCompletions, StreamOptions{},
			head + `,"usage":{"prompt_tokens":"9","completion_tokens":3e2}}` + "\n\n",
			metered{Usage{9, 300, 0}, RunningUsage, false, 0}},
		{"two choices in a chunk", ChatCompletions, StreamOptions{Choices: 2},
			`data: {"choices":[{"index":0},{"index":1}],"usage":{"prompt_tokens":9,"completion_tokens":5}}` + "\n\n" +
				`data: {"choices":[{"index":0}],"usage":{"prompt_tokens":9,"completion_tokens":6}}` + "\n\n",
			metered{Usage{9, 6, 0}, RunningUsage, false, 0}},
		{"nonsense is missing", ChatCompletions, StreamOptions{},
			head + `,"usage":{"prompt_tokens":-1,"completion_tokens":1.5,"total_tokens":1e3}}` + "\n\n",
			metered{Usage{}, NoEvidence, false, 3}},
		{"choices beyond the request are one", ChatCompletions, StreamOptions{},
			`data: {"choices":[{"index":70000}],"usage":{"prompt_tokens":9,"completion_tokens":5}}` + "\n\n" +
				`data: {"choices":[{"index":80000}],"usage":{"prompt_tokens":9,"completion_tokens":6}}` + "\n\n",
			metered{Usage{9, 6, 0}, RunningUsage, false, 0}},
		{"not JSON", ChatCompletions, StreamOptions{}, "data: what?\n\n", metered{Usage{}, NoEvidence, false, 5}},
		{"reasoning twice", ChatCompletions, StreamOptions{},
			`data: {"choices":[{"index":0,"delta":{"reasoning":"abc","reasoning_content":"abc"}}]}` + "\n\n", metered{Pending: 3}},
		{"reasoning by its old name", ChatCompletions, StreamOptions{},
			`data: {"choices":[{"index":0,"delta":{"reasoning":null,"reasoning_content":"abc"}}]}` + "\n\n", metered{Pending: 3}},
		{"tool call", ChatCompletions, StreamOptions{},
			`data: {"choices":[{"index":0,"delta":{"content":null,"tool_calls":[{"index":0,"id":"call_1","function":{"name":"add","arguments":"{\"a\":"}}]}}]}` + "\n\n",
			metered{Pending: 8}},
		{"done without a blank line", ChatCompletions, StreamOptions{}, "data: [DONE]", metered{Complete: true}},
		{"messages", Messages, StreamOptions{}, messagesStream, metered{Usage{12, 5, 0}, FinalUsage, true, 0}},
		{"messages, half", Messages, StreamOptions{}, upTo(messagesStream, 8), metered{Usage{12, 0, 0}, RunningUsage, false, 7}},
		{"messages with a cache", Messages, StreamOptions{},
			`data: {"type":"message_start","message":{"model":"m","usage":{"input_tokens":5,"cache_read_input_tokens":7,"cache_creation_input_tokens":2,"output_tokens":1}}}` + "\n\n" +
				`data: {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":3}}` + "\n\n",
			metered{Usage{14, 3, 7}, FinalUsage, true, 0}},
		{"responses", Responses, StreamOptions{}, responsesStream, metered{Usage{9, 7, 4}, FinalUsage, true, 0}},
		{"responses, half", Responses, StreamOptions{}, upTo(responsesStream, 4), metered{Pending: 10}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := NewStream(tt.endpoint, tt.options)
			relayString(s, tt.stream)
			if diff := cmp.Diff(tt.want, meteredBy(s)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// What all events say is the text, metered or not.
func TestStreamOutputText(t *testing.T) {
	s := NewStream(ChatCompletions, StreamOptions{})
	relayString(s, wire{n: 1, prompts: 1, tokens: 3}.forced().chat())
	if got, want := s.OutputText(), counted(` t"0,1} t"0,2} t"0,3}`); !got.Equal(want) {
		t.Errorf("text %+v, want %+v", got, want)
	}
}

func TestStreamRelay(t *testing.T) {
	const usage = `"usage":{"prompt_tokens":1,"completion_tokens":1}`
	tests := []struct {
		name     string
		endpoint Endpoint
		options  StreamOptions
		in, want string
	}{
		{"comments pass", ChatCompletions, StreamOptions{}, ": ping\r\n\r\n", ": ping\r\n\r\n"},
		{"several lines", ChatCompletions, StreamOptions{PublicModel: "p"},
			": a\r\ndata: {\"model\":\r\ndata:\"m\",\"choices\":[1],\r\n: between\r\ndata: " + usage + "\r\nid: 7\r\ndata:  }\r\n\r\n",
			": a\r\ndata: {\"model\":\r\ndata:\"p\",\"choices\":[1]\r\nid: 7\r\ndata:  }\r\n\r\n"},
		{"odd white space", ChatCompletions, StreamOptions{PublicModel: "p"},
			`data:{ "choices" : [{}] , ` + usage + ` , "model" : "m" }` + "\n\n",
			`data:{ "choices" : [{}]  , "model" : "p" }` + "\n\n"},
		{"a model that is none", ChatCompletions, StreamOptions{PublicModel: "p"},
			`data: {"model":null,"choices":[]}` + "\n\n", `data: {"model":null,"choices":[]}` + "\n\n"},
		{"model kept", ChatCompletions, StreamOptions{},
			`data: {"model":"m","choices":[]}` + "\n\n", `data: {"model":"m","choices":[]}` + "\n\n"},
		{"null usage, not asked for", ChatCompletions, StreamOptions{},
			`data: {"choices":[{}],"usage":null}` + "\n\n", `data: {"choices":[{}]}` + "\n\n"},
		{"null usage, asked for", ChatCompletions, StreamOptions{IncludeUsage: true},
			`data: {"choices":[{}],"usage":null}` + "\n\n", `data: {"choices":[{}],"usage":null}` + "\n\n"},
		{"null usage of completions", Completions, StreamOptions{},
			`data: {"choices":[{}],"usage":null}` + "\n\n", `data: {"choices":[{}],"usage":null}` + "\n\n"},
		{"twice the same", ChatCompletions, StreamOptions{PublicModel: "p"},
			`data: {"model":"m","usage":1,"usage":2}` + "\n\n", `data: {"model":"m","usage":1,"usage":2}` + "\n\n"},
		{"not JSON", ChatCompletions, StreamOptions{PublicModel: "p"}, "data: {\"model\":\"m\"\n\n", "data: {\"model\":\"m\"\n\n"},
		{"broken off", ChatCompletions, StreamOptions{}, "data: {\"model\":\"m\"", ""},
		{"done broken off", ChatCompletions, StreamOptions{}, "data: [DONE]\r\n", "data: [DONE]\r\n"},
		{"messages", Messages, StreamOptions{PublicModel: "p"}, messagesStream, strings.ReplaceAll(messagesStream, "served/name", "p")},
		{"responses", Responses, StreamOptions{PublicModel: "p"}, responsesStream, strings.ReplaceAll(responsesStream, "served/name", "p")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			checkRelay(t, NewStream(tt.endpoint, tt.options), tt.in, tt.want)
		})
	}
}

func TestStreamFailure(t *testing.T) {
	chunk := strings.SplitAfter(wire{n: 1, prompts: 1, tokens: 1}.forced().chat(), "\n\n")[0]
	tests := []struct {
		name     string
		endpoint Endpoint
		stream   string
		want     StreamError
	}{
		{"vLLM", ChatCompletions, ": ping\n\n" + `data: {"error":{"message":"no \"x\"","type":"BadRequestError","param":null,"code":400}}` + "\n\ndata: [DONE]\n\n",
			StreamError{400, "BadRequestError", "400", `no "x"`, true}},
		{"half-way", ChatCompletions, chunk + `data: {"error":{"message":"gone","type":"server_error","code":"oops"}}` + "\n\n",
			StreamError{0, "server_error", "oops", "gone", false}},
		{"older vLLM", Completions, `data: {"object":"error","message":"bad","type":"BadRequestError","param":null,"code":400}` + "\n\n",
			StreamError{400, "BadRequestError", "400", "bad", true}},
		{"a text", ChatCompletions, `data: {"error":"bad"}` + "\n\n", StreamError{Message: "bad", First: true}},
		{"Anthropic", Messages, "event: error\n" + `data: {"type":"error","error":{"type":"internal_error","message":"bad"}}` + "\n\n",
			StreamError{0, "internal_error", "", "bad", true}},
		{"an event that is no JSON", Messages, "event: error\ndata: Overloaded\n\n", StreamError{Message: "Overloaded", First: true}},
		{"Responses", Responses, "event: error\n" + `data: {"type":"error","code":"x","message":"bad","param":null,"sequence_number":3}` + "\n\n",
			StreamError{0, "error", "x", "bad", true}},
		{"a failed response", Responses, `data: {"type":"response.failed","response":{"error":{"code":"server_error","message":"bad"}}}` + "\n\n",
			StreamError{0, "", "server_error", "bad", true}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := NewStream(tt.endpoint, StreamOptions{IncludeUsage: true, ContinuousUsage: true})
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
	s := NewStream(ChatCompletions, StreamOptions{})
	relayString(s, `data: {"error":{"message":"`+strings.Repeat("안", 1000)+`"}}`+"\n\n")
	if err, _ := s.Failure(); len(err.Message) != errorTextMax/3*3 || strings.Trim(err.Message, "안") != "" {
		t.Errorf("a message of %d bytes: %q", len(err.Message), err.Message)
	}
}

func TestStreamReset(t *testing.T) {
	s := NewStream(Completions, StreamOptions{Choices: 2, Prompts: 2, PublicModel: "p"})
	relayString(s, wire{n: 2, prompts: 2, tokens: 2, spelled: true}.forced().completions())
	s.Reset(ChatCompletions, StreamOptions{})
	if diff := cmp.Diff(metered{}, meteredBy(s)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	w := wire{n: 1, prompts: 1, tokens: 2}
	up := w.forced()
	w.model = up.model
	checkRelay(t, s, up.chat(), w.chat())
}

func FuzzStream(f *testing.F) {
	for e, stream := range map[Endpoint]string{
		ChatCompletions: wire{n: 2, prompts: 1, tokens: 2}.forced().chat(),
		Completions:     wire{n: 1, prompts: 2, tokens: 2, spelled: true}.forced().completions(),
		Messages:        messagesStream,
		Responses:       responsesStream,
	} {
		f.Add(uint8(e), uint8(0), []byte(stream))
		f.Add(uint8(e), uint8(7), []byte(strings.ReplaceAll(stream, "\n", "\r")))
	}
	f.Fuzz(func(t *testing.T, e, flags uint8, stream []byte) {
		endpoint := Endpoints[int(e)%len(Endpoints)]
		o := StreamOptions{IncludeUsage: flags&1 > 0, ContinuousUsage: flags&2 > 0, Choices: int64(flags >> 4)}
		s := NewStream(endpoint, o)
		out := relayAll(s, bytes.NewReader(stream))
		if !isSubsequence([]byte(out), stream) && endpoint != Completions {
			t.Fatalf("%q is not a part of %q", out, stream)
		}
		u, _ := s.Usage()
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
	s := NewStream(ChatCompletions, StreamOptions{PublicModel: "llama2-7b"})
	dst := make([]byte, 0, 1024)
	s.Event(dst, ev)
	if n := testing.AllocsPerRun(100, func() { s.Event(dst, ev) }); n != 0 {
		t.Errorf("%v allocations an event", n)
	}
}

func BenchmarkStreamEvent(b *testing.B) {
	ev := sse.Parse([]byte(chatChunkLine))
	s := NewStream(ChatCompletions, StreamOptions{PublicModel: "llama2-7b"})
	dst := make([]byte, 0, 1024)
	b.SetBytes(int64(len(ev.Raw)))
	b.ReportAllocs()
	for b.Loop() {
		s.Event(dst, ev)
	}
}
