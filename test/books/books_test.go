package books

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/apptest"
	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
	"github.com/token-rate-limiter/token-rate-limiter/internal/mockvllm"
	"github.com/token-rate-limiter/token-rate-limiter/internal/redistest"
	"github.com/token-rate-limiter/token-rate-limiter/internal/store/memory"
	"github.com/token-rate-limiter/token-rate-limiter/internal/store/redis"
)

const (
	requests = 2000
	warmUp   = 120
	crowd    = 32
	seed     = 20260801
)

// limits are wide, but for those of running requests, and cover every meter
// and both scopes.
const limits = "{max-tokens-per-day: 1000000000, max-input-tokens-per-day: 1000000000, " +
	"max-output-tokens-per-day: 1000000000, max-requests-per-day: 1000000, " +
	"max-concurrent-requests: 30, max-concurrent-requests-per-user: 10, " +
	"total: {max-tokens-per-day: 1000000000, max-input-tokens-per-day: 1000000000, " +
	"max-output-tokens-per-day: 1000000000, max-requests-per-day: 1000000}}"

func TestMemory(t *testing.T) { keep(t, "memory", memory.New(memory.Options{})) }

func TestRedis(t *testing.T) {
	s, err := redis.New(t.Context(), redis.Options{Address: redistest.Start(t).Addr, Timeout: 5 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	keep(t, "redis", s)
	if n := s.Stats(); n.Lost != 0 || n.Missing != 0 || n.Waiting != 0 {
		t.Errorf("the store has lost count: %+v", n)
	}
}

// keep sends the plan through a gateway with the store, and audits the books.
func keep(t *testing.T, name string, store limit.Store) {
	g := apptest.Start(t, apptest.Options{
		Limits: limits,
		Store:  store,
		// JSON answers have one pace, as those of one model on one GPU do: it
		// is what the gateway learns.
		Mock: mockvllm.Options{TimeToFirstToken: 40 * time.Millisecond, TokenInterval: 8 * time.Millisecond},
	})
	plan := newPlan(name, seed, requests, warmUp)
	begin := time.Now()
	var visits []visit
	for _, part := range [][]order{plan[:warmUp], plan[warmUp:]} {
		v, err := run(g, part, crowd)
		if err != nil {
			t.Fatal(err)
		}
		visits = append(visits, v...)
	}
	t.Logf("%d requests in %v", len(visits), time.Since(begin).Round(time.Millisecond))
	a := &audit{gateway: g, visits: visits}
	if err := a.quiesce(store); err != nil {
		t.Fatal(err)
	}
	t.Run("mix", a.mix)
	t.Run("requests", a.requests)
	t.Run("abandoned", a.abandoned)
	t.Run("inputs", a.inputs)
	t.Run("texts", a.texts)
	t.Run("accounts", a.accounts)
	t.Run("metrics", a.metrics)
}

// quiesce waits until the model server is idle, every request has its log line
// and everything is settled.
func (a *audit) quiesce(store limit.Store) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := a.gateway.Ledger.Quiesce(ctx); err != nil {
		return fmt.Errorf("the model server is not idle: %w", err)
	}
	if err := a.logged(ctx); err != nil {
		return err
	}
	return store.Flush(ctx)
}

// logged waits until every request has its log line, and reads them.
func (a *audit) logged(ctx context.Context) error {
	for {
		var err error
		if a.charges, err = chargesOf(a.gateway.Logs); err != nil {
			return err
		}
		missing := a.unlogged()
		if len(missing) == 0 {
			return nil
		}
		select {
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("%d requests have no log line: %q", len(missing), missing)
		}
	}
}

// unlogged returns the ids of requests without a log line.
func (a *audit) unlogged() (ids []string) {
	for i := range a.visits {
		v := &a.visits[i]
		for _, id := range append(v.denied, v.id) {
			if _, ok := a.charges[id]; !ok {
				ids = append(ids, id)
			}
		}
	}
	return ids
}
