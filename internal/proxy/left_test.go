package proxy_test

import (
	"context"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/apptest"
)

// TestAnswersToWhoHasLeft: a model server that notices that its client has left
// stops, and may say so in an answer, which frameworks make an error or an empty
// success. It tells nothing of what was spent until then: the request is charged
// as an abandoned one, not as that answer.
func TestAnswersToWhoHasLeft(t *testing.T) {
	for name, answer := range map[string]struct {
		status int
		body   string
	}{
		"nothing":   {200, ""},
		"null":      {200, "null"},
		"redirect":  {302, ""},
		"refusal":   {400, `{"error":{"message":"Client disconnected"}}`},
		"options":   {400, `{"error":{"message":"stream_options: client disconnected"}}`},
		"failure":   {500, `{"error":{"message":"Client disconnected"}}`},
		"exhausted": {503, ""},
	} {
		for _, stream := range []bool{false, true} {
			taken := make(chan struct{})
			g := apptest.Start(t, apptest.Options{
				Limits: "{max-tokens-per-day: 10000, max-requests-per-day: 10}",
				Wrap: func(http.Handler) http.Handler {
					return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						_, _ = io.Copy(io.Discard, r.Body)
						close(taken)
						<-r.Context().Done()
						w.WriteHeader(answer.status)
						_, _ = io.WriteString(w, answer.body)
					})
				},
			})
			ctx, leave := context.WithCancel(t.Context())
			go func() { <-taken; leave() }()
			if response, err := http.DefaultClient.Do(g.Request(ctx, chatPath, "alice", chat(30, stream))); err == nil {
				response.Body.Close()
				t.Fatalf("%s: an answer with status %d has come", name, response.StatusCode)
			}
			if tokens, requests := settled(t, g, "alice"); tokens < 9 || requests != 1 {
				t.Errorf("%s, stream %v: %d tokens are charged, and %d requests", name, stream, tokens, requests)
			}
		}
	}
}

// settled waits until nothing of a user is reserved or running, and returns what
// was used.
func settled(t *testing.T, g *apptest.Gateway, user string) (tokens, requests int64) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		u := g.Usage(t, user)
		if u.Windows[0].Reserved+u.Windows[1].Reserved+u.Concurrency[0].Running == 0 {
			return u.Windows[0].Used, u.Windows[1].Used
		}
	}
	t.Fatal("the request is not settled")
	return 0, 0
}
