package request

import (
	"encoding/json"
	"errors"
	"testing"
	"unicode/utf8"

	"github.com/token-rate-limiter/token-rate-limiter/internal/failure"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/answer"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/jsonscan"
)

var fuzzSeeds = []string{
	smallChat,
	`{}`,
	`{"model":null,"messages":[{"role":"user","content":[{"type":"text","text":"\ud55c"},{"type":"image_url","image_url":{"url":"data:,"}}]}]}`,
	`{"messages":[{"tool_calls":[{"function":{"name":"f","arguments":"{\"a\":1}"}}]}],"tools":[{"x":"\uac00"}]}`,
	`{"prompt":[[1,2],[3]],"max_tokens":0,"n":2,"best_of":3}`,
	`{"input":[{"role":"user","content":"x"}],"max_output_tokens":1e1}`,
	`{"max_tokens":1,"system":[{"text":"s"}],"messages":[{"content":[{"type":"tool_result","content":[{"source":{}}]}]}]}`,
	`{"query":"q","documents":["a",{"text":"b"}],"text_1":["x"],"text_2":"y"}`,
	`{"messages":[{"role":"\\","content":[{"type":"\\"},{"type":"image_url","image_url":"\\ \u005c"}]}]}`,
	`{"tokens":[1,2,3],"input_audio":null}`,
	`{"stream":true,"stream_options":{"x":1,"include_usage":null},"max_completion_tokens":null,"max_tokens":5}`,
	`{"messages":[{"content":[{"input_audio":{"data":"UklGRgAAAABXQVZFZm10IBAAAAABAAEAQB8AAIA+AAACABAAZGF0YQ==","format":"wav"}}]}]}`,
	`{"a":1,"\u0061":2}`,
	`{"a":[[[[]]]]} x`,
}

// FuzzParseRequest wants of every body: no panic; if it is accepted, Go's other
// JSON decoder accepts it too and finds the same model, and all numbers are
// sane; if it is not, the answer is a 400 in valid JSON.
func FuzzParseRequest(f *testing.F) {
	for i, s := range fuzzSeeds {
		f.Add(byte(i), []byte(s))
	}
	f.Fuzz(func(t *testing.T, which byte, body []byte) {
		e := wire.Endpoints[int(which)%len(wire.Endpoints)]
		r, err := Parse(e, body, Options{Models: always{Allow: heldBackFields()}})
		if err != nil {
			checkRefusal(t, e, err)
			return
		}
		var m map[string]any
		if err := json.Unmarshal(body, &m); err != nil || !utf8.Valid(body) {
			t.Fatalf("accepted %q, but: %v", body, err)
		}
		if name, _ := m["model"].(string); name != r.Model {
			t.Errorf("%q: model %q, want %q", body, r.Model, name)
		}
		checkNumbers(t, &r, len(body))
		checkPlaces(t, &r, body)
	})
}

func checkRefusal(t *testing.T, e wire.Endpoint, err error) {
	t.Helper()
	var refused *failure.Error
	if !errors.As(err, &refused) || refused.Kind != failure.KindInvalidRequest || refused.Message == "" {
		t.Errorf("refused with %#v, want a 400", err)
	}
	if answer := answer.AppendError(nil, wire.ErrorBody{Why: refused}, e); !json.Valid(answer) {
		t.Errorf("answer %q is not JSON", answer)
	}
}

func checkNumbers(t *testing.T, r *Request, size int) {
	t.Helper()
	n := int64(size)
	switch {
	case r.Sequences < r.Choices || r.Choices < 1 || r.Sequences > SequencesMax:
		t.Errorf("%d sequences, %d choices", r.Sequences, r.Choices)
	case r.Prompts < 1 || r.Prompts > n+1 || r.Messages < 0 || r.Messages > n || r.TokenIDs < 0 || r.TokenIDs > n*n:
		t.Errorf("%d prompts, %d messages, %d token ids in %d bytes", r.Prompts, r.Messages, r.TokenIDs, n)
	case r.OutputCap < 0 || r.OutputCap > integerMax || r.MinOutput < 0 || r.OutputCap > 0 && r.MinOutput > r.OutputCap:
		t.Errorf("output from %d to %d", r.MinOutput, r.OutputCap)
	case r.Text.Bytes() < r.Optional.Bytes() || r.Text.Bytes() > n*n:
		t.Errorf("%d bytes of text, %d optional, in a body of %d", r.Text.Bytes(), r.Optional.Bytes(), n)
	case r.Images < 0 || r.AudioParts < 0 || !(r.AudioSeconds >= 0):
		t.Errorf("%d images, %d recordings of %v s", r.Images, r.AudioParts, r.AudioSeconds)
	case r.ContinuousUsage && !r.IncludeUsage || r.IncludeUsage && !r.Stream:
		t.Errorf("stream %v, usage %v, continuous %v", r.Stream, r.IncludeUsage, r.ContinuousUsage)
	}
}

// checkPlaces wants every place that was kept to be in the body and a value of
// its own.
func checkPlaces(t *testing.T, r *Request, body []byte) {
	t.Helper()
	places := []jsonscan.Extent{r.at.model, r.at.options.Extent, r.at.options.usage.Extent, r.at.options.continuous.Extent}
	for _, c := range r.at.caps[:r.at.capsCount] {
		places = append(places, c.Extent)
	}
	for _, x := range places {
		if x.IsSet() && (x.Start <= r.at.inside-1 || x.End >= len(body) || !json.Valid(x.Of(body))) {
			t.Errorf("place %v is no value in %q", x, body)
		}
	}
}

// FuzzAppendBody compares the patched body with the same change made to the
// decoded one.
func FuzzAppendBody(f *testing.F) {
	for i, s := range fuzzSeeds {
		f.Add(byte(i), []byte(s), "b", true, int64(i))
	}
	f.Fuzz(func(t *testing.T, which byte, body []byte, model string, force bool, limit int64) {
		if !utf8.ValidString(model) {
			return // would be mended on the way
		}
		e := wire.Endpoints[int(which)%len(wire.Endpoints)]
		checkPatch(t, e, body, Patch{Model: model, ForceUsage: force, OutputCap: max(limit, 0)})
	})
}
