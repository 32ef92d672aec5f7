package request

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/internal/failure"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/member"
)

var update = flag.Bool("update", false, "write the document of the members")

// membersFile is the table of all members, for readers.
const membersFile = "../../../docs/api/fields.md"

// TestMembersDocument: the document of the members is what the tables say.
func TestMembersDocument(t *testing.T) {
	want := membersDocument()
	if *update {
		if err := os.WriteFile(membersFile, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile(membersFile); err != nil || string(got) != want {
		t.Errorf("%s is not what the tables say (%v): run go test ./internal/wire/request -run TestMembersDocument -update", membersFile, err)
	}
}

func membersDocument() string {
	var b strings.Builder
	b.WriteString(`# Fields of request bodies

Written by ` + "`go test ./internal/wire/request -run TestMembersDocument -update`" + ` from the tables in ` + "`internal/wire`" + `. They have the
top-level fields that the interfaces of OpenAI, Anthropic and vLLM define or have defined, and those of SGLang, llama.cpp and Ollama. What is
not here is unknown: the service's ` + "`unknown-fields`" + ` says what happens to it. [ADR 0016](../adr/0016-classified-members.md) says why.

| treatment | what happens |
|---|---|
| passed | sent as it is; free up to 1 KiB of such fields in a request, beyond that they count as input |
| priced | sent as it is; its text counts as input |
| overridden | read; the gateway may write a value of its own, or leave the field out |
| held back | refused with 400, unless ` + "`allow-fields`" + ` lists it; then it is sent, and counts as input |
`)
	table := func(title string, rows []member.Row) {
		fmt.Fprintf(&b, "\n## %s\n\n| field | treatment | why |\n|---|---|---|\n", title)
		for _, r := range rows {
			names := strings.Fields(r.Names)
			slices.Sort(names)
			fmt.Fprintf(&b, "| `%s` | %s | %s |\n", strings.Join(names, "`, `"), treatments[r.Treatment], r.Why)
		}
	}
	table("Every endpoint", member.Every)
	for _, e := range wire.Endpoints {
		table(e.Path(), member.Endpoints[e])
	}
	return b.String()
}

// treatments has the treatments in words.
var treatments = [...]string{"unknown", "passed", "priced", "overridden", "held back"}

// TestMembersHaveReasons: the tables say why, and what reads a member is what its treatment needs.
func TestMembersHaveReasons(t *testing.T) {
	for _, e := range wire.Endpoints {
		for _, r := range slices.Concat(member.Every, member.Endpoints[e]) {
			if r.Why == "" || r.Treatment == 0 {
				t.Errorf("%s: %s has treatment %q and reason %q", e, r.Names, treatments[r.Treatment], r.Why)
			}
			m := r.Reader
			ok := map[member.Treatment]bool{
				member.Passed: m == member.ReadPassed || m == member.ReadNumbers || m == member.ReadEcho, member.Priced: m == member.ReadPriced || m > member.ReadModel,
				member.Overridden: m.Decides() || m == member.ReadModel || m == member.ReadLeftOut || m == member.ReadSilencing,
				member.HeldBack:   m == member.ReadHeldBack || m == member.ReadPriority || m == member.ReadBackground || m == member.ReadEncoding || m == member.ReadEmbeds,
			}[r.Treatment]
			if !ok {
				t.Errorf("%s: %s, which is %s, is read as %d", e, r.Names, treatments[r.Treatment], m)
			}
		}
	}
}

// TestUnknownMembers sends what nobody has classified.
func TestUnknownMembers(t *testing.T) {
	many := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, `"x%d":%d,`, i, i)
		}
		return `{` + b.String() + `"n":1}`
	}
	long := strings.Repeat("y", droppedNameMax)
	for _, tt := range []struct {
		name, body      string
		o               Options
		dropped, Reader string // what is told, or what the error is about
		refused         bool
	}{
		{"none", `{"n":1,"top_p":1}`, Options{}, "", "", false},
		{"one", `{"x":1}`, Options{}, "x", "", false},
		{"in order", `{"z":1,"n":1,"a":{"b":[]}}`, Options{}, "z, a", "", false},
		{"null", `{"x":null}`, Options{}, "x", "", false},
		{"of stream_options", `{"stream":true,"stream_options":{"x":1,"include_usage":true}}`, Options{}, "stream_options.x", "", false},
		{"silencing", `{"stream":true,"stream_interval":50,"include_reasoning":false,"stream_reasoning":false}`, Options{},
			"stream_interval, include_reasoning, stream_reasoning", "", false},
		{"not silencing", `{"stream":true,"stream_interval":1,"include_reasoning":true}`, Options{}, "", "", false},
		{"an id", `{"request_id":"a"}`, Options{}, "request_id", "", false},
		{"a session", `{"session_id":"a"}`, Options{}, "session_id", "", false},
		{"null that is known", `{"n":null,"stream":null}`, Options{}, "", "", false},
		{"a name that no header has", `{"a b":1,"c":2}`, Options{}, "...", "", false},
		{"a line end in a name", `{"c":2,"a\r\nSet-Cookie: x":1}`, Options{}, "c, ...", "", false},
		{"an empty name", `{"":1}`, Options{}, "...", "", false},
		{"the longest name", `{"` + long + `":1}`, Options{}, long, "", false},
		{"a longer name", `{"` + long + `z":1}`, Options{}, "...", "", false},
		{"as many as may be", many(waitingMax), Options{}, "", "", false},
		{"more than may be", many(waitingMax + 1), Options{}, "", "", true},
		{"refused", `{"n":1,"x":1}`, Options{Models: always{RefuseUnknown: true}}, "", "x", true},
		{"refused by a name that is not shown", `{"a b":1}`, Options{Models: always{RefuseUnknown: true}}, "", "", true},
		{"refused inside stream_options", `{"stream":true,"stream_options":{"x":1}}`, Options{Models: always{RefuseUnknown: true}}, "", "stream_options.x", true},
		{"allowed", `{"x":1}`, Options{Models: always{Allow: []string{"x"}, RefuseUnknown: true}}, "", "", false},
		{"silencing, and allowed", `{"stream":true,"stream_interval":50}`, Options{Models: always{Allow: []string{"stream_interval"}}}, "", "", false},
		{"by its model", `{"x":1,"y":1,"model":"a"}`, Options{Models: rulesOf{"a": {Allow: []string{"x"}}}}, "y", "", false},
		{"by another model", `{"x":1,"y":1,"model":"b"}`, Options{Models: rulesOf{"a": {Allow: []string{"x"}}}}, "x, y", "", false},
		{"by the path's model", `{"x":1,"y":1}`, Options{PathModel: "a", Models: rulesOf{"a": {RefuseUnknown: true}}}, "", "x", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, err := Parse(wire.ChatCompletions, []byte(tt.body), tt.o)
			var e *failure.Error
			if errors.As(err, &e); (e != nil) != tt.refused || e != nil && (e.Param != tt.Reader || !strings.Contains(e.Message, "leave")) {
				t.Fatalf("error %v, want one: %v, about %q", err, tt.refused, tt.Reader)
			}
			if tt.dropped != "" && r.Dropped != tt.dropped || len(r.Dropped) > droppedBytesMax+2*waitingMax {
				t.Errorf("Dropped = %q, want %q", r.Dropped, tt.dropped)
			}
			if tt.dropped == "" && tt.name != "as many as may be" && r.Dropped != "" {
				t.Errorf("Dropped = %q, want none", r.Dropped)
			}
		})
	}
}

// rulesOf are rules by model.
type rulesOf map[string]FieldRules

func (r rulesOf) FieldRules(model string) FieldRules { return r[model] }

// TestWhatCountsAsInput: what is allowed counts as input, and so does what is passed beyond
// what requests ordinarily have in such members; ids of tokens are no text.
func TestWhatCountsAsInput(t *testing.T) {
	words := func(n int) string { return `"` + strings.Repeat("word ", n) + `"` }
	for _, tt := range []struct {
		name, members string
		least, most   int64 // bytes that count
	}{
		{"ordinary", `"temperature":0.7,"user":"alice","stop":["a","b"],"metadata":{"a":"b"},"seed":12`, 0, 0},
		{"allowed", `"x":` + words(10), 50, 60},
		{"allowed by halves", `"x":{"a":` + words(10) + `,"b":[1,2]}`, 60, 80},
		{"as much as is free", `"user":` + words(200), 0, 0},
		{"more than is free", `"user":` + words(2000), 10000, 10010},
		{"more than is free, in many", `"user":` + words(150) + `,"metadata":{"a":` + words(150) + `},"stop":[` + words(150) + `]`, 1500, 1600},
		{"a number of many digits", `"seed":` + strings.Repeat("1", 5000), 5000, 5000},
		{"ids of tokens", `"logit_bias":{` + biases(2000) + `}`, 0, 0},
		{"ids that are none", `"allowed_token_ids":[` + words(1000) + `]`, 5000, 5010},
		{"ids in a string", `"allowed_token_ids":"` + strings.Repeat("12 ", 1000) + `"`, 3000, 3010},
		{"ids in strings", `"allowed_token_ids":[` + strings.Repeat(`"12",`, 1000) + `1]`, 5000, 5010},
		{"ids in values", `"logit_bias":{"9999":"2",` + biases(500) + `}`, 3000, 6000},
		{"a grammar", `"guided_json":{"a":` + words(10) + `}`, 50, 70},
	} {
		r := parseOK(t, wire.ChatCompletions, `{`+tt.members+`}`, Options{Models: always{Allow: []string{"x", "prompt_embeds"}}})
		if got := r.Optional.Bytes(); got < tt.least || got > tt.most || r.Text.Bytes() != got {
			t.Errorf("%s: %d bytes count, want %d to %d, all of them optional (%d in all)", tt.name, got, tt.least, tt.most, r.Text.Bytes())
		}
	}
	embeddings := `{"prompt_embeds":"` + strings.Repeat("A", 1<<20) + `"}`
	if r := parseOK(t, wire.ChatCompletions, embeddings, Options{Models: always{Allow: []string{"prompt_embeds"}}}); r.Images != 2 {
		t.Errorf("embeddings of a megabyte count as %d pictures, want 2", r.Images)
	}
}

// TestIDsOfTokensAreBounded: thousands of ids that only control sampling are no text, and
// yet in the bound of each prompt, for a template might print them. A few are free.
func TestIDsOfTokensAreBounded(t *testing.T) {
	many := `[` + strings.Repeat("12, ", 30_000) + `1]`
	for _, tt := range []struct {
		e          wire.Endpoint
		members    string
		words, ask int64
	}{
		{wire.ChatCompletions, `"logit_bias":{` + biases(50) + `}`, 0, 0},
		{wire.ChatCompletions, `"allowed_token_ids":` + many, int64(len(many)), int64(len(many))},
		{wire.ChatCompletions, `"stop_token_ids":[` + strings.Repeat("1,", 400) + `1],"logprob_token_ids":[` + strings.Repeat("1,", 400) + `1]`, 803, 803},
		{wire.Completions, `"prompt":["a","b","c"],"allowed_token_ids":` + many, 3 * int64(len(many)), int64(len(many))},
		{wire.Score, `"text_1":"a","text_2":["b","c"],"label_token_ids":` + many, 2 * int64(len(many)), int64(len(many))},
	} {
		r := parseOK(t, tt.e, `{`+tt.members+`}`, Options{})
		if r.Words != tt.words || r.Beside != tt.ask || r.Optional.Bytes() != 0 {
			t.Errorf("%s %.80s: %d bytes of words, %d beside a question, %d of optional text; want %d, %d, 0", tt.e, tt.members, r.Words, r.Beside, r.Optional.Bytes(), tt.words, tt.ask)
		}
	}
}

// biases returns the members of a logit_bias for n tokens.
func biases(n int) string {
	var list []string
	for i := range n {
		list = append(list, fmt.Sprintf(`"%d":-1e2`, i))
	}
	return strings.Join(list, ",")
}

// TestMembersAllocateNothing: to find what reads a member takes no memory.
func TestMembersAllocateNothing(t *testing.T) {
	name := []byte("max_completion_tokens")
	if n := testing.AllocsPerRun(100, func() {
		if member.Tables[wire.ChatCompletions].Row(name).Reader != member.ReadOutputCap {
			t.Fatal("it is not found")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
