package answer

import (
	"bytes"
	"math"
	"math/rand/v2"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/internal/wire"
)

// checkPattern puts a stream through a Stream that recognises what repeats and
// through one that parses every event: both must relay and meter the same. It
// returns how many events were recognised.
func checkPattern(t *testing.T, e wire.Endpoint, o StreamOptions, stream []byte) (repeated int) {
	t.Helper()
	quick, plain := newStream(e, o), newStream(e, o)
	plain.pattern.pause = math.MaxInt
	scan := newScanner(bytes.NewReader(stream))
	for {
		ev, err := scan.Next()
		if err != nil {
			return repeated
		}
		if quick.pattern.match(ev.Raw, new(values)) {
			repeated++
		}
		got, want := quick.Event(nil, ev), plain.Event(nil, ev)
		if string(got) != string(want) {
			t.Fatalf("of %q\nrelayed %q\n   want %q", ev.Raw, got, want)
		}
		kept := quick.pattern
		quick.pattern, quick.parser = plain.pattern, plain.parser
		if !reflect.DeepEqual(quick, plain) {
			t.Fatalf("after %q\nmetered %+v\n   want %+v", ev.Raw, *quick, *plain)
		}
		quick.pattern = kept
	}
}

var patternOptions = []StreamOptions{
	{},
	{PublicModel: `public "이름"`},
	{IncludeUsage: true, PublicModel: "m"},
	{IncludeUsage: true, ContinuousUsage: true, PublicModel: strings.Repeat("long", 40)},
}

func TestOrdinaryEventsAreRecognised(t *testing.T) {
	for name, tt := range map[string]struct {
		endpoint wire.Endpoint
		stream   string
		want     int // of the events with text, all but the first
	}{
		"chat":                    {wire.ChatCompletions, script{n: 1, prompts: 1, tokens: 20}.forced().chat(), 17},
		"choices in turn":         {wire.ChatCompletions, script{n: 3, prompts: 1, tokens: 20}.forced().chat(), 3*19 - 2},
		"completions":             {wire.Completions, script{n: 1, prompts: 1, tokens: 20}.forced().completions(), 18},
		"completions, spelled":    {wire.Completions, script{n: 2, prompts: 2, tokens: 20, spelled: true}.forced().completions(), 4*19 - 1},
		"chat without usage":      {wire.ChatCompletions, script{n: 1, prompts: 1, tokens: 20}.chat(), 17},
		"other kinds of answers":  {wire.Messages, messagesStream + messagesStream, 0},
		"answers of other events": {wire.Responses, responsesStream + responsesStream, 0},
	} {
		for _, o := range patternOptions {
			if got := checkPattern(t, tt.endpoint, o, []byte(tt.stream)); got < tt.want || tt.want == 0 && got > 0 {
				t.Errorf("%s: %d events are recognised, want %d", name, got, tt.want)
			}
		}
	}
}

// An event with anything else in the place of a part, or elsewhere, is parsed,
// and means what it meant.
func TestEventsLikeThePattern(t *testing.T) {
	const event = `data: {"id":"1","model":"served","choices":[{"index":0,"delta":{"content":"a"},"finish_reason":null}],"usage":{"prompt_tokens":25,"total_tokens":42,"completion_tokens":17}}` + "\n\n"
	var like []string
	for _, change := range [][2]string{
		{`"a"`, `""`}, {`"a"`, `"한국어"`}, {`"a"`, `"\"},\\ \ud83d\ude00\n"`}, {`"a"`, `"\x"`}, {`"a"`, "\"\t\""}, {`"a"`, `null`},
		{`"a"`, `7`}, {`"a"`, `["a"]`}, {`"a"`, `"a"}`}, {`"a"`, `"a","refusal":"b"`}, {`"a"`, `"a","tool_calls":[{"function":{"arguments":"b"}}]`},
		{`"a"`, `"a","content":"b"`}, {`"a"`, ` "a"`}, {`"content"`, `"reasoning"`}, {`"content"`, `"role"`}, {`"content"`, `"name"`},
		{`25`, `26`}, {`25`, ` 26 `}, {`25`, ` 26`}, {`17`, `18`}, {`17`, `9007199254740992`}, {`17`, `99999999999999999`}, {`17`, `-1`}, {`17`, `1.5`},
		{`17`, `1e3`}, {`17`, `007`}, {`17`, `null`}, {`17`, `"18"`}, {`17`, ``}, {`42`, `x`}, {`25`, `0`},
		{`"index":0`, `"index":1`}, {`"index":0`, `"index":70000`}, {`"index":0`, `"index":0.5`}, {`"finish_reason":null`, `"finish_reason":"stop"`},
		{`"id":"1"`, `"id":"2"`}, {`"served"`, `"other"`}, {`}}` + "\n\n", `}}` + "\r\n\r\n"}, {`}}` + "\n\n", `}`},
		{`,"usage"`, `,"usage":{},"usage"`}, {`"usage":{`, `"usage":{"prompt_tokens_details":{"cached_tokens":9},`}, {`data: `, `data:`}, {`data: `, "event: error\ndata: "},
		{`data: {`, "data: {\ndata:"}, {`[{`, `[{"message":{"content":"x"},`}, {`}],`, `},{"index":1}],`}, {`{"id"`, `{"error":{"message":"x"},"id"`},
	} {
		changed := strings.Replace(event, change[0], change[1], 1)
		if changed == event {
			t.Fatalf("%q is not in the event", change[0])
		}
		like = append(like, changed)
	}
	// Cached tokens stand in the rest of the bytes, and count for every prompt.
	cached := strings.Replace(event, `"usage":{`, `"usage":{"prompt_tokens_details":{"cached_tokens":9},`, 1)
	checkPattern(t, wire.Completions, StreamOptions{Prompts: 3}, []byte(cached+strings.Replace(cached, `"index":0`, `"index":1`, 1)))

	random := rand.New(rand.NewPCG(1, 2))
	for _, e := range []wire.Endpoint{wire.ChatCompletions, wire.Completions} {
		for _, o := range patternOptions {
			o.Choices = 2
			for _, one := range like {
				checkPattern(t, e, o, []byte(event+event+one+event))
				checkPattern(t, e, o, []byte(one+one+event+one))
			}
			for range 30 {
				random.Shuffle(len(like), func(i, j int) { like[i], like[j] = like[j], like[i] })
				checkPattern(t, e, o, []byte(event+strings.Join(like, event)))
			}
		}
	}
}

// Where no event repeats the one before it, hardly any is taken apart.
func TestPatternIsGivenUpWhereNothingRepeats(t *testing.T) {
	s := newStream(wire.ChatCompletions, StreamOptions{})
	tried := 0
	for i := range 1000 {
		before := string(s.pattern.raw)
		relayString(s, `data: {"id":"`+strconv.Itoa(i)+`","choices":[{"index":0,"delta":{"content":"a"}}]}`+"\n\n")
		if string(s.pattern.raw) != before {
			tried++
		}
	}
	if tried < 2 || tried > 40 {
		t.Errorf("%d of 1000 events became the pattern", tried)
	}
}

// FuzzStreamPattern lets events follow each other that are alike.
func FuzzStreamPattern(f *testing.F) {
	for _, stream := range []string{
		script{n: 2, prompts: 1, tokens: 2}.forced().chat(),
		script{n: 1, prompts: 2, tokens: 2, spelled: true}.forced().completions(),
	} {
		for _, event := range strings.SplitAfter(stream, "\n\n") {
			f.Add(uint8(3), []byte(event), uint16(40), uint16(3), []byte(`"b"`))
		}
	}
	f.Fuzz(func(t *testing.T, flags uint8, event []byte, at, length uint16, with []byte) {
		endpoint := []wire.Endpoint{wire.ChatCompletions, wire.Completions}[flags&1]
		o := StreamOptions{IncludeUsage: flags&2 > 0, ContinuousUsage: flags&4 > 0, Choices: int64(flags >> 4)}
		if flags&8 > 0 {
			o.PublicModel = "public"
		}
		start := min(int(at), len(event))
		end := min(start+int(length), len(event))
		like := string(event[:start]) + string(with) + string(event[end:])
		checkPattern(t, endpoint, o, []byte(string(event)+string(event)+like+string(event)+like))
	})
}

// TestPatternAcrossLines: a line that ends before a number splits the data of an
// event in two, which is no JSON any more.
func TestPatternAcrossLines(t *testing.T) {
	ord := "data: {\"id\":\"a\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"hello\"}}],\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":1}}\n\n"
	odd := strings.Replace(ord, "completion_tokens\":1", "completion_tokens\":\n9", 1)
	run := func(in string) (wire.Usage, string) {
		s := newStream(wire.ChatCompletions, StreamOptions{IncludeUsage: true, ContinuousUsage: true})
		sc := newScanner(strings.NewReader(in))
		var out []byte
		for {
			ev, err := sc.Next()
			if err != nil {
				break
			}
			out = s.Event(out, ev)
		}
		u := s.Tally().Usage
		return u, string(out)
	}
	a, _ := run(ord + odd)
	b, _ := run("data: {\"id\":\"a\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"hello\"}}],\"usage\":{\"completion_tokens\":1,\"prompt_tokens\":5}}\n\n" + odd)
	if a != b {
		t.Errorf("with a pattern %+v, parsed %+v", a, b)
	}
}
