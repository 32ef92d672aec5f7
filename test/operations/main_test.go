package operations

import (
	"bufio"
	"net/http"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/token-rate-limiter/token-rate-limiter/internal/apptest"
)

// TestMain fails where a test leaves a goroutine behind.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		http.DefaultClient.CloseIdleConnections()
	}))
}

// patience is how long a test waits for what must come.
const patience = 15 * time.Second

const chatPath = "/v1/chat/completions"

// chat returns a chat request: more is further members with a leading comma, mock
// the members of the model server's behaviour.
func chat(more, mock string) string {
	return `{"model":"llama2-7b","messages":[{"role":"user","content":"Hello there"}]` + more + `,"mock":{` + mock + `}}`
}

// open posts a body under a request id, and returns the answer, which ends with
// the test.
func open(t *testing.T, g *apptest.Gateway, id, body string) *http.Response {
	t.Helper()
	r := g.Request(t.Context(), chatPath, "alice", body)
	r.Header.Set("X-Request-ID", id)
	response, err := g.Client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { response.Body.Close() })
	return response
}

// nextEvent reads an event of a stream.
func nextEvent(r *bufio.Reader) (event string, err error) {
	for {
		line, err := r.ReadString('\n')
		event += line
		if err != nil || line == "\n" {
			return event, err
		}
	}
}

// eventually waits until something is so.
func eventually(t *testing.T, what string, so func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !so(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("it does not come to pass that %s", what)
		}
	}
}
