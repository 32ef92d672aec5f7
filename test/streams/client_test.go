package streams

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/apptest"
)

const (
	chatPath        = "/v1/chat/completions"
	completionsPath = "/v1/completions"
	responsesPath   = "/v1/responses"
	messagesPath    = "/v1/messages"
)

// patience is how long a test waits for what must happen before it fails.
const patience = 15 * time.Second

// prompts has, per path, the members of a body that carry the prompt.
var prompts = map[string]string{
	chatPath:        `"messages":[{"role":"user","content":"Hello there"}]`,
	completionsPath: `"prompt":"Hello there"`,
	responsesPath:   `"input":"Hello there"`,
	messagesPath:    `"max_tokens":4096,"messages":[{"role":"user","content":"Hello there"}]`,
}

// body returns a request for path: more is further members with a leading
// comma, or nothing; mock is the members of the model server's behaviour.
func body(path, more, mock string) string {
	return fmt.Sprintf(`{"model":%q,%s%s,"mock":{%s}}`, apptest.Model, prompts[path], more, mock)
}

// streamed is body with stream set.
func streamed(path, more, mock string) string { return body(path, `,"stream":true`+more, mock) }

// call is an answer that is being read.
type call struct {
	*http.Response
	events *bufio.Reader
}

// newClient returns a client with connections of its own that end with the test.
func newClient(t testing.TB) *http.Client {
	transport := &http.Transport{MaxIdleConnsPerHost: 128}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// send posts body to base+path as user, with the request id if that is not
// empty, and returns once the head of the answer is there.
func send(ctx context.Context, client *http.Client, base, path, user, id, body string) (*call, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, base+path, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-User-ID", user)
	if id != "" {
		r.Header.Set("X-Request-ID", id)
	}
	response, err := client.Do(r)
	if err != nil {
		return nil, err
	}
	return &call{response, bufio.NewReader(response.Body)}, nil
}

// open is send for calls that must get an answer, and all of it in time. The body
// is closed with the test.
func open(t testing.TB, base, path, user, id, body string) *call {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	t.Cleanup(cancel)
	c, err := send(ctx, newClient(t), base, path, user, id, body)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Body.Close() })
	return c
}

// next returns the next event: its bytes up to and with the blank line. Events
// must end their lines with LF.
func (c *call) next() (string, error) {
	var event []byte
	for {
		line, err := c.events.ReadBytes('\n')
		event = append(event, line...)
		if err != nil || len(line) == 1 {
			return string(event), err
		}
	}
}

// all returns the rest of the answer.
func (c *call) all(t testing.TB) string {
	t.Helper()
	b, err := io.ReadAll(c.events)
	if err != nil {
		t.Fatalf("%v after %q", err, b)
	}
	return string(b)
}

// data returns the value of an event's data line, "" if it has none.
func data(event string) string {
	for line := range strings.Lines(event) {
		if value, ok := strings.CutPrefix(line, "data: "); ok {
			return strings.TrimSuffix(value, "\n")
		}
	}
	return ""
}

// split cuts a stream into its events.
func split(stream string) []string {
	events := strings.SplitAfter(stream, "\n\n")
	if events[len(events)-1] == "" {
		events = events[:len(events)-1]
	}
	return events
}

// chunk is what the tests read of one event of any endpoint.
type chunk struct {
	Type    string
	ID      string
	Model   string
	Choices []struct {
		Index int
		Text  string
		Delta struct{ Content, Reasoning string }
		// FinishReason is nil for null.
		FinishReason *string `json:"finish_reason"`
	}
	Delta    json.RawMessage
	Usage    *tokens
	Error    *failure
	Response *struct {
		Status  string
		Details *struct{ Reason string } `json:"incomplete_details"`
		Usage   *tokens
	}
}

// tokens is the usage as OpenAI and Anthropic name it.
type tokens struct {
	Prompt     int64 `json:"prompt_tokens"`
	Completion int64 `json:"completion_tokens"`
	Input      int64 `json:"input_tokens"`
	Output     int64 `json:"output_tokens"`
}

// failure is an error object.
type failure struct {
	Message string
	Type    string
	Code    any
}

// read parses the data of an event; it fails the test where that is no JSON
// object. The word [DONE] gives the zero chunk.
func read(t testing.TB, event string) (c chunk) {
	t.Helper()
	d := data(event)
	if d == "[DONE]" || d == "" {
		return c
	}
	if err := json.Unmarshal([]byte(d), &c); err != nil {
		t.Fatalf("%v: %q", err, event)
	}
	return c
}

// relayed returns how many generated tokens an event carries: the model server
// makes one event of each, whose text is not empty. Events of responses that
// repeat a text that is complete carry none.
func relayed(event string) int64 {
	if strings.Contains(event, `"type":"response.`) && !strings.Contains(event, `.delta"`) {
		return 0
	}
	for _, member := range []string{`"content":"`, `"reasoning":"`, `"text":"`, `"delta":"`, `"thinking":"`, `"partial_json":"`} {
		if i := strings.Index(event, member); i >= 0 && event[i+len(member)] != '"' {
			return 1
		}
	}
	return 0
}

// eventually waits until ok, and fails the test if that takes too long.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("still waiting until %s", what)
		}
		time.Sleep(time.Millisecond) // between two looks, not instead of one
	}
}

// idle waits until nothing runs at the gateway and the model server.
func idle(t testing.TB, g *apptest.Gateway) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	eventually(t, "the gateway is idle", func() bool { return metric(t, g, "token_concurrent_requests") == 0 })
	if err := g.Ledger.Quiesce(ctx); err != nil {
		t.Fatal("the model server is not idle:", err)
	}
}

// metric returns the value of a model's metric; further labels are given as in
// the exposition, such as `type="input"`.
func metric(t testing.TB, g *apptest.Gateway, name string, labels ...string) float64 {
	t.Helper()
	for line := range strings.Lines(g.Get(t, "/actuator/prometheus")) {
		if !strings.HasPrefix(line, name+"{") || !strings.Contains(line, `model="`+apptest.Model+`"`) {
			continue
		}
		matches := true
		for _, l := range labels {
			matches = matches && strings.Contains(line, l)
		}
		var v float64
		if _, err := fmt.Sscanf(line[strings.LastIndexByte(line, ' ')+1:], "%g", &v); matches && err == nil {
			return v
		}
	}
	t.Fatalf("there is no metric %s%v", name, labels)
	return 0
}

// running returns how many requests hold a slot of the model.
func running(t testing.TB, g *apptest.Gateway) int64 {
	t.Helper()
	for _, c := range g.Usage(t, "anybody").Concurrency {
		if c.Scope == "model" {
			return c.Running
		}
	}
	t.Fatal("the usage has no concurrency of the model")
	return 0
}

// logged returns the gateway's log line of a request, once it is written.
func logged(t testing.TB, g *apptest.Gateway, id string) (line struct {
	Status        int
	Input, Output int64
	Estimated     bool
	Stopped       bool
	Error         string
}) {
	t.Helper()
	found := func() bool {
		for _, l := range bytes.Split([]byte(g.Logs.String()), []byte("\n")) {
			if bytes.Contains(l, []byte(`"id":"`+id+`"`)) {
				if err := json.Unmarshal(l, &line); err != nil {
					t.Fatal(err)
				}
				return true
			}
		}
		return false
	}
	eventually(t, "the request "+id+" is logged", found)
	return line
}
