package redis

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
	"github.com/token-rate-limiter/token-rate-limiter/internal/limit/limittest"
	"github.com/token-rate-limiter/token-rate-limiter/internal/redistest"
)

// patient is a timeout for tests that are not about timeouts, on a busy machine.
const patient = 20 * time.Second

// shared is the server of all tests that do not make theirs fail.
var shared *redistest.Server

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "redis-store-test")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	if shared, err = redistest.Open(dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if err := shared.Allow(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	code := m.Run()
	shared.Kill()
	if err := goleak.Find(); code == 0 && err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

// open returns a store on the shared server, which it empties first. The store has
// the rights that the operators' document gives it, and no other.
func open(tb testing.TB, o Options) *Store {
	tb.Helper()
	if err := shared.FlushAll(); err != nil {
		tb.Fatal(err)
	}
	o.Username, o.Password = redistest.GatewayUser, redistest.GatewayPassword
	return join(tb, shared, o)
}

// join returns one more store on a server, closed at the end of the test.
func join(tb testing.TB, server *redistest.Server, o Options) *Store {
	tb.Helper()
	o.Address = server.Addr
	s, err := New(tb.Context(), o)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = s.Close(tb.Context()) })
	return s
}

// model returns what the store knows of a model, made where there is nothing.
func (s *Store) model(name string) *model {
	m := s.use(name)
	m.leave()
	return m
}

// minute is a policy of n tokens per minute and user, and any number of
// requests at once.
func minute(tb testing.TB, n int64) *limit.Policy {
	tb.Helper()
	return limittest.Policy(tb, limit.PolicyOptions{
		User: []limit.Limit{{Meter: limit.Tokens, Window: limit.Minute, Max: n}}, MaxConcurrent: 1000, MaxDebt: 1,
	})
}

// output is an amount of output tokens, and one request.
func output(n int64) limit.Amount { return limit.Amount{Output: n, Requests: 1} }

// mustReserve reserves need for user, and fails where that is denied.
func mustReserve(tb testing.TB, s *Store, p *limit.Policy, user string, need limit.Amount) *limit.Grant {
	tb.Helper()
	var g limit.Grant
	var d limit.Decision
	if err := s.Reserve(tb.Context(), p, user, need, &g, &d); err != nil || !d.Admitted {
		tb.Fatalf("Reserve: %v, %+v", err, d)
	}
	return &g
}

// standing is what a view says under the first rule, and of the model.
type standing struct{ Used, Reserved, Running int64 }

// mustStand fails where user does not stand as want says.
func mustStand(tb testing.TB, s *Store, p *limit.Policy, user string, want standing) {
	tb.Helper()
	v, err := s.View(tb.Context(), p, user)
	if err != nil {
		tb.Fatalf("View: %v", err)
	}
	got := standing{v.Windows[0].Used, v.Windows[0].Reserved, v.Gauges[0].Running}
	if got != want {
		tb.Fatalf("%s stands at %+v, want %+v", user, got, want)
	}
}

// mustFlush waits until all settlements have been applied.
func mustFlush(tb testing.TB, s *Store) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), patient)
	defer cancel()
	if err := s.Flush(ctx); err != nil {
		tb.Errorf("Flush: %v", err)
	}
}

// eventually waits until done reports true.
func eventually(tb testing.TB, what string, done func() bool) {
	tb.Helper()
	for end := time.Now().Add(patient); !done(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			tb.Fatalf("%s: not after %v", what, patient)
		}
	}
}

// call runs a script once and returns its result without the nonce, which is args[0].
func (s *Store) call(ctx context.Context, sc *script, timeout time.Duration, keys, args []string) ([]int64, error) {
	a := s.callAll(ctx, timeout, []request{{script: sc, keys: keys, args: args}})[0]
	return a.values, a.err
}
