package request

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/token-rate-limiter/token-rate-limiter/internal/wire"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/member"
)

func TestAppendBody(t *testing.T) {
	force, total := Patch{ForceUsage: true}, Patch{ForceUsage: true, TotalOnly: true}
	const on = `"include_usage":true,"continuous_usage_stats":true`
	for _, tt := range []struct {
		name       string
		e          wire.Endpoint
		body, want string
		p          Patch
	}{
		{"nothing to do", wire.ChatCompletions, ` { "model" : "a" , "top_p":1 } `, ` { "model" : "a" , "top_p":1 } `, Patch{}},
		{"same model", wire.ChatCompletions, `{"model":"a"}`, `{"model":"a"}`, Patch{Model: "a"}},
		{"model replaced", wire.ChatCompletions, "{ \"top_p\" : 1.50,\t\"model\" : \"a\" }", "{ \"top_p\" : 1.50,\t\"model\" : \"meta/b\" }", Patch{Model: "meta/b"}},
		{"model null", wire.ChatCompletions, `{"model":null}`, `{"model":"ul"}`, Patch{Model: "ul"}},
		{"model inserted", wire.ChatCompletions, `{ "top_p":1}`, `{"model":"b", "top_p":1}`, Patch{Model: "b"}},
		{"model inserted alone", wire.ChatCompletions, `{ }`, `{"model":"b" }`, Patch{Model: "b"}},
		{"model that needs escapes", wire.ChatCompletions, `{"model":"a\\b"}`, `{"model":"a\\\\b\""}`, Patch{Model: `a\\b"`}},
		{"model inside a message stays", wire.ChatCompletions, `{"messages":[{"model":"a"}],"model":"a"}`, `{"messages":[{"model":"a"}],"model":"b"}`, Patch{Model: "b"}},

		{"usage inserted", wire.ChatCompletions, `{"stream":true}`, `{"stream_options":{` + on + `},"stream":true}`, force},
		{"usage for null", wire.ChatCompletions, `{"stream":true,"stream_options":null}`, `{"stream_options":{` + on + `},"stream":true}`, force},
		{"usage for {}", wire.ChatCompletions, `{"stream":true,"stream_options":{ }}`, `{"stream":true,"stream_options":{` + on + `}}`, force},
		{"usage merged", wire.Completions, `{"stream_options":{"include_obfuscation":false,"x":[1]},"stream":true,"max_tokens":2}`, `{"stream_options":{` + on + `,"include_obfuscation":false},"stream":true,"max_tokens":2}`, force},
		{"usage half there", wire.ChatCompletions, `{"stream":true,"stream_options":{ "include_usage" : false,"include_obfuscation":true}}`,
			`{"stream":true,"stream_options":{"continuous_usage_stats":true, "include_usage" : true,"include_obfuscation":true}}`, force},
		{"options of which none stays", wire.ChatCompletions, `{"stream":true,"stream_options":{"x":1,"y":{}}}`, `{"stream":true,"stream_options":{` + on + `}}`, force},
		{"options of which the first goes", wire.ChatCompletions, `{"stream":true,"stream_options":{"x":1,"include_usage":null}}`,
			`{"stream":true,"stream_options":{"continuous_usage_stats":true,"include_usage":true}}`, force},
		{"options without force", wire.ChatCompletions, `{"stream":true,"stream_options":{"x":1,"include_usage":true,"y":{}}}`, `{"stream":true,"stream_options":{"include_usage":true}}`, Patch{}},
		{"usage null, continuous false", wire.ChatCompletions, `{"stream":true,"stream_options":{"continuous_usage_stats":false,"include_usage":null}}`,
			`{"stream":true,"stream_options":{"continuous_usage_stats":true,"include_usage":true}}`, force},
		{"usage already there", wire.ChatCompletions, `{"stream":true,"stream_options":{` + on + `}}`, `{"stream":true,"stream_options":{` + on + `}}`, force},
		{"no stream, no usage", wire.ChatCompletions, `{"stream":false,"stream_options":null}`, `{"stream":false}`, force},
		{"responses have their usage", wire.Responses, `{"stream":true,"input":""}`, `{"stream":true,"input":""}`, force},
		{"messages have their usage", wire.Messages, `{"stream":true,"max_tokens":1}`, `{"stream":true,"max_tokens":1}`, force},

		{"only the total inserted", wire.ChatCompletions, `{"stream":true}`, `{"stream_options":{"include_usage":true},"stream":true}`, total},
		{"only the total for null", wire.ChatCompletions, `{"stream":true,"stream_options":null}`, `{"stream_options":{"include_usage":true},"stream":true}`, total},
		{"only the total merged", wire.ChatCompletions, `{"stream":true,"stream_options":{"continuous_usage_stats":false}}`,
			`{"stream":true,"stream_options":{"include_usage":true,"continuous_usage_stats":false}}`, total},

		{"smaller cap to both", wire.ChatCompletions, `{"max_tokens":9,"max_completion_tokens":5}`, `{"max_tokens":5,"max_completion_tokens":5}`, Patch{}},
		{"null cap goes", wire.ChatCompletions, `{"max_tokens":9,"max_completion_tokens":null}`, `{"max_tokens":9}`, Patch{}},
		{"cap lowered", wire.ChatCompletions, `{"max_tokens":9,"max_completion_tokens":null}`, `{"max_tokens":4}`, Patch{OutputCap: 4}},
		{"cap not raised", wire.ChatCompletions, `{"max_tokens":9}`, `{"max_tokens":9}`, Patch{OutputCap: 10}},
		{"cap inserted", wire.ChatCompletions, `{"n":1}`, `{"max_tokens":7,"n":1}`, Patch{OutputCap: 7}},
		{"cap for null", wire.ChatCompletions, `{"max_completion_tokens":null}`, `{"max_tokens":7}`, Patch{OutputCap: 7}},
		{"cap of a completion", wire.Completions, `{"prompt":""}`, `{"max_tokens":7,"prompt":""}`, Patch{OutputCap: 7}},
		{"default cap of a completion not raised", wire.Completions, `{"prompt":""}`, `{"max_tokens":16,"prompt":""}`, Patch{OutputCap: 70}},
		{"cap of 0 not raised", wire.Completions, `{"max_tokens":0}`, `{"max_tokens":0}`, Patch{OutputCap: 7}},
		{"cap of responses", wire.Responses, `{"input":""}`, `{"max_output_tokens":7,"input":""}`, Patch{OutputCap: 7}},
		{"cap of messages", wire.Messages, `{"max_tokens":9}`, `{"max_tokens":7}`, Patch{OutputCap: 7}},
		{"embeddings have no cap", wire.Embeddings, `{"input":""}`, `{"input":""}`, Patch{OutputCap: 7}},

		{"null cap of a completion", wire.Completions, `{"prompt":"","max_tokens":null}`, `{"max_tokens":16,"prompt":""}`, Patch{}},
		{"no cap of a completion", wire.Completions, `{"prompt":""}`, `{"max_tokens":16,"prompt":""}`, Patch{}},
		{"another cap of a completion", wire.Completions, `{"prompt":"","max_completion_tokens":5}`, `{"max_tokens":5,"prompt":"","max_completion_tokens":5}`, Patch{}},
		{"null cap of a chat", wire.ChatCompletions, `{"max_tokens":null}`, `{}`, Patch{}},
		{"null cap of responses", wire.Responses, `{"input":"","max_output_tokens":null}`, `{"input":""}`, Patch{}},
		{"null that servers read in many ways", wire.Completions,
			`{"n":null,"best_of":null,"max_tokens":1,"min_tokens":null,"stream":null,"stream_options":null,"ignore_eos":null,"use_beam_search":null,"truncate_prompt_tokens":null}`,
			`{"max_tokens":1}`, Patch{}},
		{"null that is one to all", wire.ChatCompletions, `{"temperature":null,"tools":null,"seed":null}`, `{"temperature":null,"tools":null,"seed":null}`, Patch{}},

		{"first unknown", wire.ChatCompletions, `{ "x" : {"a":[1,"}"]} , "n":1 }`, `{ "n":1 }`, Patch{}},
		{"unknown between", wire.ChatCompletions, `{"n":1 , "x":"\"," , "top_p":1}`, `{"n":1 , "top_p":1}`, Patch{}},
		{"last unknown", wire.ChatCompletions, `{"n":1 , "x":1 }`, `{"n":1 }`, Patch{}},
		{"last two unknown", wire.ChatCompletions, `{"n":1, "x":1,"y":2}`, `{"n":1}`, Patch{}},
		{"all unknown", wire.ChatCompletions, `{"x":1, "y":2 }`, `{ }`, Patch{}},
		{"all unknown, something inserted", wire.ChatCompletions, `{"x":1,"y":2}`, `{"model":"b"}`, Patch{Model: "b"}},
		{"unknown around", wire.ChatCompletions, `{"x":1,"n":1,"y":2,"top_p":1,"z":3}`, `{"n":1,"top_p":1}`, Patch{}},
		{"unknown with an escape", wire.ChatCompletions, `{"n":1,"\u0078":2}`, `{"n":1}`, Patch{}},
		{"known with an escape", wire.ChatCompletions, `{"\u006e":1,"stream\u005finterval":2,"stream":true}`, `{"\u006e":1,"stream":true}`, Patch{}},
		{"stream_interval of a stream", wire.ChatCompletions, `{"stream_interval":1000,"stream":true}`, `{"stream":true}`, Patch{}},
		{"stream_interval of no stream", wire.ChatCompletions, `{"stream_interval":1000}`, `{"stream_interval":1000}`, Patch{}},
		{"reasoning of a stream", wire.ChatCompletions, `{"stream":true,"include_reasoning":false,"n":1}`, `{"stream":true,"n":1}`, Patch{}},
		{"nested members stay", wire.ChatCompletions, `{"messages":[{"x":1,"role":"user"}]}`, `{"messages":[{"x":1,"role":"user"}]}`, Patch{}},

		{"all inserted", wire.ChatCompletions, `{"stream":true}`, `{"model":"b","stream_options":{` + on + `},"max_tokens":7,"stream":true}`,
			Patch{Model: "b", ForceUsage: true, OutputCap: 7}},
		{"all replaced", wire.ChatCompletions, `{"max_completion_tokens":9,"stream_options":{},"stream":true,"model":"a","max_tokens":8}`,
			`{"max_completion_tokens":7,"stream_options":{` + on + `},"stream":true,"model":"b","max_tokens":7}`,
			Patch{Model: "b", ForceUsage: true, OutputCap: 7}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := parseOK(t, tt.e, tt.body, Options{})
			got := r.AppendBody([]byte("before"), []byte(tt.body), tt.p)
			if diff := cmp.Diff("before"+tt.want, string(got)); diff != "" {
				t.Errorf("AppendBody(%s, %+v) (-want +got):\n%s", tt.body, tt.p, diff)
			}
			if got, want := r.NeedsPatch([]byte(tt.body), tt.p), tt.body != tt.want; got != want {
				t.Errorf("NeedsPatch(%s, %+v) = %v, want %v", tt.body, tt.p, got, want)
			}
		})
	}
}

// TestAppendBodyProperty patches bodies whose members come in any order, with
// any of their values and any white space, and compares the result with the
// same change made to the decoded body.
func TestAppendBodyProperty(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range 3_000 {
		e := []wire.Endpoint{wire.ChatCompletions, wire.Completions, wire.Responses, wire.Messages, wire.Embeddings}[rng.IntN(5)]
		body := randomBody(rng, e)
		p := Patch{
			Model:      []string{"", "b", `we"ird\ 이름`}[rng.IntN(3)],
			ForceUsage: rng.IntN(2) == 0,
			TotalOnly:  rng.IntN(2) == 0,
			OutputCap:  []int64{0, 0, 3, 1000}[rng.IntN(4)],
		}
		checkPatch(t, e, []byte(body), p)
		if t.Failed() {
			t.Fatalf("in round %d", i)
		}
	}
}

func randomBody(rng *rand.Rand, e wire.Endpoint) string {
	pick := func(values ...string) string { return values[rng.IntN(len(values))] }
	space := func() string { return pick("", "", "", " ", "\n\t") }
	members := []string{`"temperature":1e0`}
	maybe := func(name string, values ...string) {
		if rng.IntN(3) > 0 {
			members = append(members, `"`+name+`"`+space()+":"+space()+pick(values...))
		}
	}
	maybe("x", `{"model":"no","max_tokens":1}`, `"\"},{"`)
	maybe("y", "null", "1", `[{}]`)
	maybe(pick("stream_interval", "include_reasoning", "request_id"), "1", "2", "true", "false", `"a"`, "null")
	maybe(pick("n", "best_of", "min_tokens"), "1", "null")
	maybe(pick("priority", "kv_transfer_params"), "0", "null")
	maybe(pick("model", `mod\u0065l`), `"a"`, `"b"`, `null`, `""`, `"\u0062"`, `"a\\b"`)
	maybe("stream", "true", "true", "false", "null")
	maybe("stream_options", "null", "{}", "{ }", `{"x":1}`, `{"include_usage":true}`, `{"include_usage":false,"x":{}}`, `{"x":1,"include_usage":null}`, `{"x":1,"y":2,"include_usage":true,"z":3}`,
		`{ "continuous_usage_stats" : true , "x":[] }`, `{"x":1,"continuous_usage_stats":null,"include_usage":true}`)
	maybe("max_completion_tokens", "null", "5", "10", "5.0")
	maybe("max_output_tokens", "null", "5", "2000")
	members = append(members, `"max_tokens":`+pick("1", "5", "50"))
	if e != wire.Messages && rng.IntN(2) == 0 {
		members = members[:len(members)-1]
	}
	if rng.IntN(20) == 0 && e != wire.Messages {
		members = nil
	}
	rng.Shuffle(len(members), func(i, j int) { members[i], members[j] = members[j], members[i] })
	return space() + "{" + space() + strings.Join(members, space()+","+space()) + space() + "}" + space()
}

// checkPatch compares AppendBody with the same change of the decoded body.
func checkPatch(t *testing.T, e wire.Endpoint, body []byte, p Patch) {
	t.Helper()
	r, err := Parse(e, body, Options{})
	if err != nil {
		return
	}
	original := bytes.Clone(body)
	got := r.AppendBody(nil, body, p)
	if !bytes.Equal(original, body) {
		t.Errorf("AppendBody changed its input %s", original)
	}
	want := decoded(t, body)
	changed := changeDecoded(want, &r, p)
	if diff := cmp.Diff(want, decoded(t, got)); diff != "" {
		t.Errorf("%s: AppendBody(%s, %+v) = %s (-want +got):\n%s", e, body, p, got, diff)
	}
	rewritten := bytes.IndexByte(body, '\\') >= 0 // a name may lose its escapes
	if !changed && !rewritten && !bytes.Equal(got, body) {
		t.Errorf("%s: AppendBody(%s, %+v) = %s, want no change", e, body, p, got)
	}
	if needs := r.NeedsPatch(body, p); needs != !bytes.Equal(got, body) {
		t.Errorf("%s: NeedsPatch(%s, %+v) = %v, but AppendBody gives %s", e, body, p, needs, got)
	}
	again, err := Parse(e, got, Options{})
	if err != nil {
		t.Fatalf("%s: patched body %s: %v", e, got, err)
	}
	if again.NeedsPatch(got, p) {
		t.Errorf("%s: %s, patched, still needs %+v", e, got, p)
	}
}

func decoded(t *testing.T, body []byte) map[string]any {
	t.Helper()
	var m map[string]any
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	if err := d.Decode(&m); err != nil {
		t.Fatalf("decoding %q: %v", body, err)
	}
	return m
}

// changeDecoded makes the change of p to a decoded body, and reports whether
// there was any.
func changeDecoded(m map[string]any, r *Request, p Patch) bool {
	before := fmt.Sprint(m)
	leaveOut(m, r)
	if p.Model != "" {
		m["model"] = p.Model
	}
	usesOptions := r.Endpoint == wire.ChatCompletions || r.Endpoint == wire.Completions
	if options, ok := m["stream_options"].(map[string]any); ok && usesOptions {
		maps.DeleteFunc(options, func(name string, _ any) bool {
			return name != "include_usage" && name != "continuous_usage_stats" && name != "include_obfuscation"
		})
	}
	if p.ForceUsage && usesOptions && m["stream"] == true {
		options, _ := m["stream_options"].(map[string]any)
		if options == nil {
			options = map[string]any{}
			m["stream_options"] = options
		}
		options["include_usage"] = true
		if !p.TotalOnly {
			options["continuous_usage_stats"] = true
		}
	}
	changeCaps(m, r.Endpoint, p.OutputCap)
	return fmt.Sprint(m) != before
}

// leaveOut deletes from a decoded body what is not sent.
func leaveOut(m map[string]any, r *Request) {
	treatments := map[string]member.Treatment{}
	for _, member := range Members(r.Endpoint) {
		treatments[member.Name] = member.Treatment
	}
	maps.DeleteFunc(m, func(name string, v any) bool {
		t, known := treatments[name]
		switch name {
		case "model":
			return false
		case "request_id", "rid":
			return true
		case "stream_interval", "include_reasoning", "stream_reasoning":
			return !known || v == nil || r.Stream && v != true && fmt.Sprint(v) != "1"
		}
		return !known || v == nil && (t == member.Overridden || t == member.HeldBack)
	})
}

func changeCaps(m map[string]any, e wire.Endpoint, limit int64) {
	names := map[wire.Endpoint][]string{
		wire.ChatCompletions: {"max_tokens", "max_completion_tokens"}, wire.Completions: {"max_tokens", "max_completion_tokens"},
		wire.Responses: {"max_output_tokens"}, wire.Messages: {"max_tokens"},
	}[e]
	if len(names) == 0 {
		return
	}
	smallest := int64(-1)
	var present []string
	for _, name := range names {
		if n, ok := m[name].(json.Number); ok {
			present = append(present, name)
			f, _ := n.Float64()
			if smallest < 0 || int64(f) < smallest {
				smallest = int64(f)
			}
		}
	}
	if e == wire.Completions && m["max_tokens"] == nil {
		present = append(present, "max_tokens")
		if smallest < 0 {
			smallest = 16
		}
	}
	if limit > 0 && len(present) == 0 {
		present = names[:1]
	}
	if limit > 0 && (smallest < 0 || limit < smallest) {
		smallest = limit
	}
	for _, name := range present {
		if f, err := json.Number(fmt.Sprint(m[name])).Float64(); err == nil && int64(f) == smallest {
			continue // as it is written
		}
		m[name] = json.Number(fmt.Sprint(smallest))
	}
}
