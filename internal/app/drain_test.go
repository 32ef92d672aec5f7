package app_test

import (
	"context"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/apptest"
	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
	"github.com/token-rate-limiter/token-rate-limiter/internal/mockvllm"
	"github.com/token-rate-limiter/token-rate-limiter/internal/store/memory"
)

// slowStore takes its time to settle, so that nobody who does not wait for it
// gets through by luck.
type slowStore struct {
	*memory.Store
	late chan error // has the store's error when it settles
}

func (s slowStore) Settle(g *limit.Grant, used limit.Amount) {
	time.Sleep(300 * time.Millisecond) // not to wait for something, but to be slow
	s.late <- s.Store.Ping(context.Background())
	s.Store.Settle(g, used)
}

// TestStoreOutlivesRequestsThatAreCutOff: a request that does not end in time
// is settled before the store is closed.
func TestStoreOutlivesRequestsThatAreCutOff(t *testing.T) {
	store := slowStore{memory.New(memory.Options{}), make(chan error, 1)}
	g := apptest.Start(t, apptest.Options{
		Limits: "{max-tokens-per-minute: 100000}", Store: store,
		Server: "drain-timeout: 1ms", Mock: mockvllm.Options{TokenInterval: 20 * time.Millisecond},
	})
	response, err := http.DefaultClient.Do(g.Request(t.Context(), "/v1/chat/completions", "alice",
		`{"model":"llama2-7b","stream":true,"messages":[{"role":"user","content":"Hi"}],"mock":{"output_tokens":3000}}`))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if _, err := io.ReadFull(response.Body, make([]byte, 100)); err != nil {
		t.Fatal(err)
	}
	if err := g.Stop(); err != nil {
		t.Errorf("the gateway ended: %v", err)
	}
	select {
	case err := <-store.late:
		if err != nil {
			t.Errorf("the store was closed before the request was settled: %v", err)
		}
	default:
		t.Error("the request was not settled")
	}
}
