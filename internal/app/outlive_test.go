package app_test

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/internal/apptest"
)

// callers notes from where the gateway calls its model server.
type callers struct {
	mu        sync.Mutex
	addresses []string
}

func (c *callers) wrap(mock http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			c.mu.Lock()
			c.addresses = append(c.addresses, r.RemoteAddr)
			c.mu.Unlock()
		}
		mock.ServeHTTP(w, r)
	})
}

// take returns the addresses of the calls since it was asked last.
func (c *callers) take() (addresses []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	addresses, c.addresses = c.addresses, nil
	return addresses
}

// TestConnectionsOutliveReloads: a model server that is the same is not
// connected to anew; one that is reached in another way is.
func TestConnectionsOutliveReloads(t *testing.T) {
	var calls callers
	g := apptest.Start(t, apptest.Options{Reloads: true, Wrap: calls.wrap, Breaker: true})
	var warm sync.WaitGroup
	for range 8 { // more than one connection: one may be late to come back
		warm.Go(func() { ask(t, g, apptest.Model, "bob") })
	}
	warm.Wait()
	for range 8 { // one that was made, and not used because another came back, is used now
		ask(t, g, apptest.Model, "bob")
	}
	known := calls.take()
	reload(t, g, func(o *apptest.Options) { o.Limits, o.Aliases = "{max-tokens-per-day: 100000}", []string{"other"} })
	for _, model := range []string{apptest.Model, "other"} {
		ask(t, g, model, "bob")
		if used := calls.take(); len(used) != 1 || !slices.Contains(known, used[0]) {
			t.Errorf("after a reload %s takes another connection to the same server", model)
		}
	}
	reload(t, g, func(o *apptest.Options) { o.Service = "api-key: secret" })
	ask(t, g, apptest.Model, "bob")
	if used := calls.take(); slices.Contains(known, used[0]) {
		t.Error("a connection that was made for another key is used")
	}
}

// price returns what a new user's request is charged when it is admitted.
func price(t *testing.T, g *apptest.Gateway, user string) int64 {
	t.Helper()
	response, err := http.DefaultClient.Do(g.Request(t.Context(), "/v1/chat/completions", user,
		fmt.Sprintf(`{"model":%q,%s,"mock":{"output_tokens":7}}`, apptest.Model, message)))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	io.Copy(io.Discard, response.Body)
	var of [2]int64
	for i, field := range []string{"X-Ratelimit-Limit-Tokens", "X-Ratelimit-Remaining-Tokens"} {
		if of[i], err = strconv.ParseInt(response.Header.Get(field), 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	return of[0] - of[1]
}

// TestPricesOutliveReloads: what was learned of a model stays, whatever changes.
func TestPricesOutliveReloads(t *testing.T) {
	g := apptest.Start(t, apptest.Options{Reloads: true, Limits: "{max-tokens-per-day: 100000, default-output-tokens: 500}"})
	first := price(t, g, "user-0")
	for i := range 20 {
		price(t, g, fmt.Sprint("learner-", i))
	}
	learned := price(t, g, "user-1")
	reload(t, g, func(o *apptest.Options) { o.Limits = "{max-tokens-per-day: 200000, default-output-tokens: 400}" })
	if after := price(t, g, "user-2"); first < 500 || learned > 100 || after > learned+10 {
		t.Errorf("the price is %d at first, %d when it is learned, and %d after a reload", first, learned, after)
	}
}

// TestAccountsOutliveTheirModel: it returns to what was used.
func TestAccountsOutliveTheirModel(t *testing.T) {
	g := apptest.Start(t, apptest.Options{Reloads: true, Aliases: []string{"comes-and-goes"}, RateLimit: "defaults: {max-requests-per-day: 2}"})
	for range 2 {
		if got := ask(t, g, "comes-and-goes", "bob"); got != http.StatusOK {
			t.Fatalf("the answer is %d", got)
		}
	}
	for _, step := range []struct {
		aliases []string
		want    int
	}{{nil, http.StatusNotFound}, {[]string{"comes-and-goes"}, http.StatusTooManyRequests}} {
		reload(t, g, func(o *apptest.Options) { o.Aliases = step.aliases })
		if got := ask(t, g, "comes-and-goes", "bob"); got != step.want {
			t.Errorf("with the aliases %q the answer is %d, want %d", step.aliases, got, step.want)
		}
	}
}

// TestAccountsOfModelsThatAreGoneAreForgotten: once nothing of them counts.
func TestAccountsOfModelsThatAreGoneAreForgotten(t *testing.T) {
	g := apptest.Start(t, apptest.Options{Reloads: true, Aliases: []string{"gone"}, RateLimit: "defaults: {max-concurrent-requests-per-user: 2}"})
	ask(t, g, "gone", "bob") // an account that is idle when the request has ended
	accounts := func(n int) func(string) bool {
		return func(metrics string) bool {
			return strings.Contains(metrics, fmt.Sprintf("\nrate_limit_accounts %d\n", n))
		}
	}
	awaitMetrics(t, g, "an account", accounts(1))
	reload(t, g, func(o *apptest.Options) { o.Aliases = nil })
	awaitMetrics(t, g, "no account", accounts(0))
}
