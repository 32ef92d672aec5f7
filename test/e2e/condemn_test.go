package e2e

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/internal/mockvllm"
)

// TestOneUsersFailuresAreItsOwn has a model server that trips over the requests of one
// user, who sends five for each of another's. All of the other's are served, also
// where the model server was taken for broken when nobody else used it, and the
// failing ones are limited as all requests are.
func TestOneUsersFailuresAreItsOwn(t *testing.T) {
	t.Parallel()
	const honest, hostile, limit = 75, 5, 100
	for name, trips := range map[string]mockvllm.Behavior{
		"500":                      {Status: http.StatusInternalServerError},
		"closed without an answer": {Fail: mockvllm.Refuse},
		"an error in the stream":   {Fail: mockvllm.ErrorEvent},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ledger := &mockvllm.Ledger{}
			mock := mockvllm.New(mockvllm.Options{
				Models: []mockvllm.Model{{Name: model}}, Ledger: ledger,
				Stumbles: []mockvllm.Stumble{{Text: "mallory", Behavior: trips}},
			})
			server := httptest.NewServer(mock)
			t.Cleanup(func() {
				mock.Close()
				server.Close()
			})
			g := site{server: server.URL, models: map[string]string{model: "{max-requests-per-hour: 100}"}}.serve(t)
			var mu sync.Mutex
			failing := map[int]int{}
			attack := func() {
				a := g.send(t.Context(), chat{user: "mallory", tokens: 3, stream: true})
				mu.Lock()
				defer mu.Unlock()
				failing[a.status]++
			}
			for range 2 * hostile {
				attack()
			}
			if failing[http.StatusServiceUnavailable] == 0 {
				t.Errorf("with nobody else there the model server is not left alone: %v", failing)
			}
			served := 0
			for i := range honest {
				var group sync.WaitGroup
				for range hostile {
					group.Go(attack)
				}
				if a := g.send(t.Context(), chat{user: "alice", tokens: 3, stream: i%2 == 0}); a.status == http.StatusOK {
					served++
				} else if served == i {
					t.Errorf("the first that is not served gets %d %s", a.status, a.body)
				}
				group.Wait()
			}
			if served != honest {
				t.Errorf("%d of %d honest requests were served beside %d failing ones", served, honest, honest*hostile)
			}
			used, _ := g.usage(t, model, "mallory").longest()
			if reached := failing[http.StatusBadGateway]; reached != limit || used != limit || failing[http.StatusTooManyRequests] == 0 {
				t.Errorf("on a limit of %d the failing ones were answered with %v, and %d are counted", limit, failing, used)
			}
		})
	}
}

// TestOneModelsFailuresAreItsOwn has a server that serves two models, and fails under each
// request of one. Everybody uses both. All requests of the other are served.
func TestOneModelsFailuresAreItsOwn(t *testing.T) {
	t.Parallel()
	const users, rounds = 4, 30
	mock := mockvllm.New(mockvllm.Options{
		Models:   []mockvllm.Model{{Name: "broken"}, {Name: "well"}},
		Stumbles: []mockvllm.Stumble{{Text: "mallory", Behavior: mockvllm.Behavior{Status: http.StatusInternalServerError}}},
	})
	server := httptest.NewServer(mock)
	t.Cleanup(func() {
		mock.Close()
		server.Close()
	})
	g := site{server: server.URL, models: map[string]string{"broken": "{max-requests-per-hour: 1000}", "well": "{max-requests-per-hour: 1000}"}}.serve(t)
	kept := 0
	for range rounds {
		for i := range users {
			user := fmt.Sprint("user", i)
			if a := g.send(t.Context(), chat{user: user, model: "broken", content: "for mallory", tokens: 3}); a.status == http.StatusServiceUnavailable {
				kept++
			}
			if a := g.send(t.Context(), chat{user: user, model: "well", tokens: 3}); a.status != http.StatusOK {
				t.Fatalf("a request of the model that is well is answered with %d %s", a.status, a.body)
			}
		}
	}
	if kept == 0 {
		t.Error("the broken model is not left alone: the test tests nothing")
	}
}
