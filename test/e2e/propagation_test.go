package e2e

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/identity"
	"github.com/token-rate-limiter/token-rate-limiter/internal/postgrestest"
	"github.com/token-rate-limiter/token-rate-limiter/internal/redistest"
	"github.com/token-rate-limiter/token-rate-limiter/internal/registry"
	"github.com/token-rate-limiter/token-rate-limiter/internal/registry/database"
)

// changes is how many keys live their life while the time is taken that each change needs to reach
// every gateway; unset: a few, whose time counts for nothing.
var changes, timed = os.LookupEnv("PROPAGATION_KEYS")

// TestPropagation: four gateways under load hear of each key that is made, rotated, given another
// role and revoked, of its user's being disabled and enabled, and of what its role gives, each change as a whole, whether the database tells of changes, tells nothing,
// or loses all that it tells. Known keys are served all the while.
func TestPropagation(t *testing.T) {
	t.Parallel()
	keys := 3
	if timed {
		var err error
		if keys, err = strconv.Atoi(changes); err != nil {
			t.Fatalf("PROPAGATION_KEYS: %v", err)
		}
	}
	for name, setting := range map[string]string{"told": "true", "not told": "false", "lost": "true"} {
		t.Run(name, func(t *testing.T) { propagate(t, keys, setting, name == "lost") })
	}
}

func propagate(t *testing.T, keys int, notifications string, lost bool) {
	_, server := newModelServer(t)
	postgres := postgrestest.Start(t)
	url := postgres.URL(t, "control")
	store, err := database.Open(database.Options{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	busy := registry.NewSecret()
	by := registry.Write{Act: registry.Act{Actor: "test", Credential: "test"}}
	create := func(secret, user string, roles ...identity.Role) registry.Key {
		t.Helper()
		k, err := store.Create(t.Context(), registry.Key{
			Name: "k", User: user, Roles: roles, Secrets: []registry.Secret{{Hash: registry.HashOf(secret)}},
		}, by)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	create(busy, "alice", identity.User)
	role := func(permission string) {
		t.Helper()
		if _, err := store.Roles().Put(t.Context(), registry.RoleID("looker"), by, func(r *registry.Role, _ registry.Standing) error {
			r.Permissions = []string{permission}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	role("usage:read")
	user := func(disabled bool) {
		t.Helper()
		if _, err := store.Users().Put(t.Context(), registry.UserID("", "eve"), by, func(u *registry.User, _ registry.Standing) error {
			u.Disabled = disabled
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}

	s := site{
		server: server, redis: redistest.Start(t), auth: "{enabled: true}",
		models:   map[string]string{model: "{max-tokens-per-minute: 100000000}"},
		database: fmt.Sprintf("{url: %q, notifications: %s}", url, notifications),
	}
	var gateways []*gateway
	for range 4 {
		p := start(t, "serve", "--config", s.folder(t))
		gateways = append(gateways, &gateway{p, newClient(t, "http://"+p.address(t))})
	}
	ctx, stop := context.WithCancel(t.Context())
	var load sync.WaitGroup
	defer load.Wait()
	defer stop()
	for n, g := range gateways {
		load.Go(func() {
			c := g.client
			c.http = &http.Client{Transport: keyed{busy, c.http.Transport}}
			random := rand.New(rand.NewPCG(7, uint64(n)))
			for ctx.Err() == nil {
				a := c.send(ctx, chat{user: "alice", tokens: 5 + random.IntN(20), stream: random.IntN(2) == 0})
				if ctx.Err() == nil && (a.err != nil || a.status != http.StatusOK) {
					t.Errorf("the key that stays is answered with %d %v %s", a.status, a.err, a.body)
				}
			}
		})
	}
	if lost {
		load.Go(func() { silence(ctx, t, url) })
	}

	var mu sync.Mutex
	var took []time.Duration
	// everywhere waits until each gateway answers each secret as wanted.
	everywhere := func(what string, want map[string]int) {
		t.Helper()
		begun := time.Now()
		var asking sync.WaitGroup
		for _, g := range gateways {
			asking.Go(func() {
				for secret, status := range want {
					eventually(t, patience, what, func() bool { return g.lookWith(t, secret) == status })
				}
				mu.Lock()
				took = append(took, time.Since(begun))
				mu.Unlock()
			})
		}
		asking.Wait()
	}
	for range keys {
		first, second := registry.NewSecret(), registry.NewSecret()
		k := create(first, "eve", identity.User)
		everywhere("the key is known, and may not look", map[string]int{first: http.StatusForbidden})
		change := func(action string, change func(*registry.Key, time.Time) error) {
			t.Helper()
			if _, err := store.Update(t.Context(), k.ID, by, action, change); err != nil {
				t.Fatal(err)
			}
		}
		change("key.update", func(k *registry.Key, _ time.Time) error {
			k.Roles = append(k.Roles, "looker")
			return nil
		})
		everywhere("it may look", map[string]int{first: http.StatusOK})
		change("key.rotate", func(k *registry.Key, now time.Time) error {
			return k.Rotate(registry.HashOf(second), 0, now)
		})
		everywhere("only its second secret is known", map[string]int{second: http.StatusOK, first: http.StatusUnauthorized})
		user(true)
		everywhere("its user is disabled", map[string]int{second: http.StatusForbidden})
		user(false)
		everywhere("its user is enabled", map[string]int{second: http.StatusOK})
		role("audit:read")
		everywhere("its role gives something else", map[string]int{second: http.StatusForbidden})
		role("usage:read")
		everywhere("its role gives what it did", map[string]int{second: http.StatusOK})
		change("key.revoke", (*registry.Key).Revoke)
		everywhere("it has ended", map[string]int{second: http.StatusUnauthorized})
	}
	slices.Sort(took)
	p99 := took[len(took)*99/100]
	t.Logf("of %d changes at a gateway half were there after %v, 99 %% after %v, all after %v",
		len(took), took[len(took)/2], p99, took[len(took)-1])
	if timed && p99 > time.Second {
		t.Errorf("99 %% of the changes were there after %v, which is more than a second", p99)
	}
}

// silence ends each connection that listens for changes, again and again, until ctx ends.
func silence(ctx context.Context, t *testing.T, url string) {
	db, err := sql.Open("pgx", url)
	if err != nil {
		t.Error(err)
		return
	}
	defer db.Close()
	for ended := 0; ; time.Sleep(5 * time.Millisecond) {
		var n int
		err := db.QueryRowContext(ctx, "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "+
			"WHERE query = 'LISTEN token_rate_limiter'").Scan(&n)
		switch ended += n; {
		case ctx.Err() != nil:
			if ended == 0 {
				t.Error("nobody has listened: the test tests nothing")
			}
			return
		case err != nil:
			t.Error(err)
			return
		}
	}
}
