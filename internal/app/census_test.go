package app_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/internal/apptest"
	"github.com/token-rate-limiter/token-rate-limiter/internal/identity"
	"github.com/token-rate-limiter/token-rate-limiter/internal/postgrestest"
	"github.com/token-rate-limiter/token-rate-limiter/internal/redistest"
	"github.com/token-rate-limiter/token-rate-limiter/internal/registry"
	"github.com/token-rate-limiter/token-rate-limiter/internal/registry/database"
)

// TestNobodyKnowsWhoIsDisabled: a gateway that has never heard the control database, and has no
// copy of it, lets nobody in, for a disabled user may have a key of the file. With a copy it knows.
func TestNobodyKnowsWhoIsDisabled(t *testing.T) {
	server, err := postgrestest.Open()
	if err != nil {
		t.Fatal(err)
	}
	url := server.URL(t, "control")
	d, err := database.Open(database.Options{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if _, err := d.Users().Put(t.Context(), registry.UserID("", "alice"), as, func(u *registry.User, _ registry.Standing) error {
		u.Disabled = true
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	keys := ""
	for _, user := range []string{"alice", "bob"} {
		hash, err := identity.HashKey(fileKey(user))
		if err != nil {
			t.Fatal(err)
		}
		keys += fmt.Sprintf("{name: %s, hash: %q, user: %s}, ", user, hash, user)
	}
	redis, folder := redistest.Start(t).Addr, t.TempDir()
	start := func(server string) *apptest.Gateway {
		return apptest.Start(t, apptest.Options{
			Auth: true, Redis: redis, Server: server,
			Config: fmt.Sprintf("auth: {api-keys: [%s]}\ndatabase: {url: %q}\n", keys, url),
		})
	}
	want := func(what string, g *apptest.Gateway, alice, bob int) {
		t.Helper()
		for user, status := range map[string]int{"alice": alice, "bob": bob} {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, g.URL+"/v1/models", nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Authorization", "Bearer "+fileKey(user))
			a, err := g.Client.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			a.Body.Close()
			if a.StatusCode != status {
				t.Errorf("%s: %s gets %d, want %d", what, user, a.StatusCode, status)
			}
		}
	}
	withCopy := fmt.Sprintf("data-directory: %q", folder)
	first := start(withCopy)
	want("the database is there", first, 403, 200)
	if err := first.Stop(); err != nil { // it keeps the copy
		t.Fatal(err)
	}
	server.Close()
	want("it is away, and there is a copy", start(withCopy), 403, 200)
	want("it is away, and there is none", start(""), 503, 503)
}
