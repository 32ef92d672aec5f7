package e2e

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/identity"
	"github.com/token-rate-limiter/token-rate-limiter/internal/postgrestest"
	"github.com/token-rate-limiter/token-rate-limiter/internal/redistest"
	"github.com/token-rate-limiter/token-rate-limiter/internal/registry"
	"github.com/token-rate-limiter/token-rate-limiter/internal/registry/database"
)

// TestDatabaseOutage: while the control database is away (OUTAGE_FOR, 4 s unless told otherwise),
// two gateways go on with what they knew, also one that is killed and started anew meanwhile; keys
// end by the clock, a credential that nobody knows may be newer, and what would change something is
// refused as that. It heals by itself.
func TestDatabaseOutage(t *testing.T) {
	t.Parallel()
	lasts := 4 * time.Second
	if text, ok := os.LookupEnv("OUTAGE_FOR"); ok {
		var err error
		if lasts, err = time.ParseDuration(text); err != nil {
			t.Fatalf("OUTAGE_FOR: %v", err)
		}
	}
	_, server := newModelServer(t)
	postgres := postgrestest.Start(t)
	url := postgres.URL(t, "control")
	store, err := database.Open(database.Options{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	create := func(expires time.Time, roles ...identity.Role) string {
		t.Helper()
		secret := registry.NewSecret()
		if _, err := store.Create(t.Context(), registry.Key{
			Name: "k", User: "alice", Roles: roles, Expires: expires,
			Secrets: []registry.Secret{{Hash: registry.HashOf(secret)}},
		}, registry.Write{Act: registry.Act{Actor: "test", Credential: "test"}}); err != nil {
			t.Fatal(err)
		}
		return secret
	}
	stays := create(time.Time{}, identity.User, identity.Admin)
	redis := redistest.Start(t)
	var sites []string
	serve := func(folder string) *gateway {
		p := start(t, "serve", "--config", folder)
		return &gateway{p, newClient(t, "http://"+p.address(t))}
	}
	var gateways []*gateway
	for range 2 {
		folder := site{
			server: server, redis: redis, auth: "{enabled: true}", extra: fmt.Sprintf("data-directory: %q", t.TempDir()),
			models:   map[string]string{model: "{max-tokens-per-minute: 100000000}"},
			database: fmt.Sprintf("{url: %q}", url),
		}.folder(t)
		sites = append(sites, folder)
		gateways = append(gateways, serve(folder))
	}
	ends := create(time.Now().Add(lasts/2), identity.Admin)
	ask := func(g *gateway, key, method, path, body string) answer {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, g.base+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("X-API-Key", key)
		response, err := g.http.Do(r)
		if err != nil {
			return answer{err: err}
		}
		return readAnswer(response)
	}
	const chat = `{"model":"` + model + `","messages":[{"role":"user","content":"Hello"}],"max_tokens":5}`
	const more = `{"name":"x","user":"bob","roles":["user"]}`
	unknown := registry.NewSecret()
	for _, g := range gateways {
		eventually(t, patience, "the key that ends is known", func() bool { return g.lookWith(t, ends) == http.StatusOK })
		if a := ask(g, unknown, http.MethodPost, "/v1/chat/completions", chat); a.status != http.StatusUnauthorized {
			t.Errorf("before the outage a key that nobody knows is answered with %d", a.status)
		}
	}
	time.Sleep(1500 * time.Millisecond) // what is known is kept on the disk once a second

	postgres.Kill()
	begun := time.Now()
	gateways[1].kill()
	gateways[1] = serve(sites[1])
	for _, g := range gateways {
		eventually(t, patience, "a key that nobody knows may be newer", func() bool {
			a := ask(g, unknown, http.MethodPost, "/v1/chat/completions", chat)
			return a.status == http.StatusServiceUnavailable && a.header.Get("Retry-After") != ""
		})
		a := ask(g, stays, http.MethodPost, "/api/v1/admin/keys", more)
		if a.status != http.StatusServiceUnavailable || a.header.Get("Retry-After") == "" ||
			a.header.Get("Content-Type") != "application/problem+json" || !strings.Contains(a.body, "database_unavailable") {
			t.Errorf("a change is answered with %d %v %s", a.status, a.header, a.body)
		}
		if status, _ := g.get("/actuator/health/readiness"); status != http.StatusOK {
			t.Errorf("readiness is answered with %d", status)
		}
	}
	served := 0
	for ; time.Since(begun) < lasts; served++ {
		for _, g := range gateways {
			if a := ask(g, stays, http.MethodPost, "/v1/chat/completions", chat); a.status != http.StatusOK {
				t.Fatalf("after %v a known key is answered with %d %v %s", time.Since(begun), a.status, a.err, a.body)
			}
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Logf("%d requests were served by each gateway within %v", served, lasts)
	for _, g := range gateways {
		if status := g.lookWith(t, ends); status != http.StatusUnauthorized && status != http.StatusServiceUnavailable {
			t.Errorf("a key that has ended by the clock is answered with %d", status)
		}
	}

	postgres.Restart(t)
	for _, g := range gateways {
		eventually(t, patience, "a key that nobody knows is nobody's again", func() bool {
			return ask(g, unknown, http.MethodPost, "/v1/chat/completions", chat).status == http.StatusUnauthorized
		})
		if a := ask(g, stays, http.MethodPost, "/api/v1/admin/keys", more); a.status != http.StatusCreated {
			t.Errorf("a change is answered with %d %s", a.status, a.body)
		}
		if status := g.lookWith(t, ends); status != http.StatusUnauthorized {
			t.Errorf("a key that has ended is answered with %d", status)
		}
	}
}
