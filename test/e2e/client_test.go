package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// client sends requests to one gateway. It is safe for concurrent use.
type client struct {
	base string
	http *http.Client
}

// newClient returns a client of the gateway at base.
func newClient(t testing.TB, base string) client {
	transport := &http.Transport{MaxIdleConnsPerHost: 64}
	t.Cleanup(transport.CloseIdleConnections)
	return client{base, &http.Client{Transport: transport}}
}

// chat is a chat request to the stand-in model server.
type chat struct {
	user      string
	model     string // empty: model
	content   string // of the message; empty: a short one
	tokens    int    // that the model server would generate
	maxTokens int    // the client's own cap; 0: none
	pace      int    // ms between two tokens
	wait      int    // ms until the first one
	stream    bool
	// held is the id of a stream that stands still until its events are
	// acknowledged to the model server. Empty: one that does not.
	held string
}

// body returns the request's body.
func (c chat) body() io.Reader {
	name := c.model
	if name == "" {
		name = model
	}
	content := c.content
	if content == "" {
		content = "Tell me a story about the sea."
	}
	members := map[string]any{
		"model": name, "user": c.user, "stream": c.stream,
		"messages": []any{map[string]any{"role": "user", "content": content}},
		"mock":     map[string]any{"output_tokens": c.tokens, "token_ms": c.pace, "ttft_ms": c.wait, "ack": c.held != ""},
	}
	if c.maxTokens > 0 {
		members["max_tokens"] = c.maxTokens
	}
	b, err := json.Marshal(members)
	if err != nil {
		panic(err) // the test's own mistake
	}
	return strings.NewReader(string(b))
}

// answer is an answer, read whole.
type answer struct {
	status int // 0: none came
	header http.Header
	body   string
	took   time.Duration
	err    error
}

// failure is the error of an answer in OpenAI's shape.
type failure struct {
	Error struct {
		Message, Type, Code string
	}
}

// failure returns the error that the answer tells of; zero for none.
func (a answer) failure() failure {
	var f failure
	_ = json.Unmarshal([]byte(a.body), &f)
	return f
}

// send sends a request and waits for its answer.
func (c client) send(ctx context.Context, r chat) answer {
	begun := time.Now()
	response, err := c.open(ctx, r)
	if err != nil {
		return answer{err: err, took: time.Since(begun)}
	}
	a := readAnswer(response)
	a.took = time.Since(begun)
	return a
}

// readAnswer reads an answer whole.
func readAnswer(response *http.Response) answer {
	defer response.Body.Close()
	b, err := io.ReadAll(response.Body)
	return answer{status: response.StatusCode, header: response.Header, body: string(b), err: err}
}

// open sends a request and waits for the head of its answer.
func (c client) open(ctx context.Context, r chat) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base+"/v1/chat/completions", r.body())
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("X-User-ID", r.user)
	if r.held != "" {
		request.Header.Set("X-Request-ID", r.held)
	}
	return c.http.Do(request)
}

// get returns the answer to GET path; status 0 for none.
func (c client) get(path string) (status int, body string) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+path, nil)
	if err != nil {
		panic(err) // the test's own mistake
	}
	response, err := c.http.Do(r)
	if err != nil {
		return 0, err.Error()
	}
	defer response.Body.Close()
	b, _ := io.ReadAll(response.Body)
	return response.StatusCode, string(b)
}

// usage is where a user stands, as the gateway tells it.
type usage struct {
	Windows []struct {
		Meter, Window                    string
		Limit, Used, Reserved, Remaining int64
	}
	Concurrency []struct {
		Scope   string
		Running int64
	}
}

// usage asks where a user stands on a model, or returns the answer as an error.
func (c client) usage(t testing.TB, name, user string) usage {
	t.Helper()
	u, err := c.lookUp(name, user)
	if err != nil {
		t.Fatalf("the usage of %s on %s: %v", user, name, err)
	}
	return u
}

// lookUp is usage, whose answer may be that the store is away: a busy machine may miss the
// deadline of a call.
func (c client) lookUp(name, user string) (u usage, err error) {
	status, body := c.get("/api/v1/admin/token-usage/" + url.PathEscape(name) + "/" + url.PathEscape(user))
	if status != http.StatusOK {
		return u, fmt.Errorf("%d %s", status, body)
	}
	if err := json.Unmarshal([]byte(body), &u); err != nil || len(u.Windows) == 0 {
		return u, fmt.Errorf("%w: %s", err, body)
	}
	return u, nil
}

// longest returns what is used and reserved in the longest window, which
// nothing leaves while a test runs.
func (u usage) longest() (used, reserved int64) {
	w := u.Windows[len(u.Windows)-1]
	return w.Used, w.Reserved
}

// running returns how many requests of the model are running.
func (u usage) running() int64 {
	for _, c := range u.Concurrency {
		if c.Scope == "model" {
			return c.Running
		}
	}
	return -1
}

// stream is a streamed answer that is being read.
type stream struct {
	events   atomic.Int64  // with a token that have come
	done     atomic.Bool   // the end was announced
	ended    chan struct{} // closed when nothing more comes
	err      error         // why, once ended; nil for a proper end
	response *http.Response
}

// listen opens a streamed answer and reads it in the background.
func (c client) listen(t testing.TB, r chat) *stream {
	t.Helper()
	r.stream = true
	response, err := c.open(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	if response.StatusCode != http.StatusOK {
		b, _ := io.ReadAll(response.Body)
		t.Fatalf("the stream of %s is answered with %d %s", r.user, response.StatusCode, b)
	}
	return newStream(t, response)
}

// newStream reads a streamed answer in the background.
func newStream(t testing.TB, response *http.Response) *stream {
	s := &stream{ended: make(chan struct{}), response: response}
	t.Cleanup(s.leave)
	go s.read()
	return s
}

// read counts events until the end.
func (s *stream) read() {
	defer close(s.ended)
	lines := bufio.NewScanner(s.response.Body)
	for lines.Scan() {
		switch line := lines.Text(); {
		case line == "data: [DONE]":
			s.done.Store(true)
		case strings.Contains(line, `"content":"`) && !strings.Contains(line, `"content":""`):
			s.events.Add(1)
		}
	}
	s.err = lines.Err()
}

// leave closes the connection and waits for the reader.
func (s *stream) leave() {
	s.response.Body.Close()
	<-s.ended
}

// await waits until n events with a token have come.
func (s *stream) await(t testing.TB, n int64) {
	t.Helper()
	eventually(t, patience, "a stream of enough events", func() bool { return s.events.Load() >= n })
}

// finish waits for the stream's proper end, after n tokens.
func (s *stream) finish(t testing.TB, n int64) {
	t.Helper()
	select {
	case <-s.ended:
	case <-time.After(patience):
		t.Fatalf("the stream has not ended within %v", patience)
	}
	if s.err != nil || !s.done.Load() || s.events.Load() != n {
		t.Errorf("the stream ended with %v after %d of %d tokens, announced: %v", s.err, s.events.Load(), n, s.done.Load())
	}
}
