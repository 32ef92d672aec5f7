package database

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/identity"
	"github.com/token-rate-limiter/token-rate-limiter/internal/postgrestest"
	"github.com/token-rate-limiter/token-rate-limiter/internal/registry"
)

// follow runs a follower until the end of the test.
func follow(t *testing.T, d *Database, log *slog.Logger) *registry.Follower {
	t.Helper()
	f := registry.NewFollower(d, log)
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { f.Run(ctx) })
	t.Cleanup(func() { stop(); running.Wait() })
	return f
}

// userOf returns whose a secret is for a follower: "?" for nobody, "stale" where that may be
// wrong.
func userOf(t *testing.T, f *registry.Follower, secret string) string {
	t.Helper()
	p, err := f.Keys.Authenticate(t.Context(), secret)
	switch {
	case err == nil:
		return p.Principal.User
	case errors.Is(err, registry.ErrStale):
		return "stale"
	case !errors.Is(err, identity.ErrUnknown):
		t.Error(err)
	}
	return "?"
}

// await waits until a secret is of a user for a follower, and returns how long that took.
func await(t *testing.T, f *registry.Follower, secret, want string) time.Duration {
	t.Helper()
	begun := time.Now()
	for userOf(t, f, secret) != want {
		if time.Since(begun) > 20*time.Second {
			t.Fatalf("the secret is of %s, want %s", userOf(t, f, secret), want)
		}
		time.Sleep(time.Millisecond)
	}
	return time.Since(begun)
}

// TestAllFollow: what one gateway changes, the others know soon, each change whole: between a
// rotation's old and new secret there is no moment without one.
func TestAllFollow(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, open func(func() time.Time) *Database) {
		writer := open(nil)
		var all []*registry.Follower
		for range 4 {
			all = append(all, follow(t, open(nil), slog.New(slog.DiscardHandler)))
		}
		for range 3 {
			k, secret := key("alice")
			k, err := writer.Create(t.Context(), k, act)
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range all {
				await(t, f, secret, "alice")
			}
			next := registry.NewSecret()
			if _, err = writer.Update(t.Context(), k.ID, act, "key.rotate", func(k *registry.Key, now time.Time) error {
				return k.Rotate(registry.HashOf(next), 0, now)
			}); err != nil {
				t.Fatal(err)
			}
			for _, f := range all {
				for userOf(t, f, next) != "alice" {
					if old := userOf(t, f, secret); old != "alice" && userOf(t, f, next) != "alice" {
						t.Error("for a moment neither secret is known")
					}
					time.Sleep(time.Millisecond)
				}
			}
			if _, err = writer.Update(t.Context(), k.ID, act, "key.revoke", func(k *registry.Key, now time.Time) error {
				k.Revoked = now
				return nil
			}); err != nil {
				t.Fatal(err)
			}
			for _, f := range all {
				await(t, f, next, "?")
			}
		}
	})
}

// TestDatabaseThatHangsOrDies: what was known goes on counting, what is not known may be
// somebody's, and all is well again by itself. The log says each once.
func TestDatabaseThatHangsOrDies(t *testing.T) {
	t.Parallel()
	server := postgrestest.Start(t)
	d, err := Open(Options{URL: server.URL(t, "control")})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	known, secret := key("alice")
	if _, err = d.Create(t.Context(), known, act); err != nil {
		t.Fatal(err)
	}
	var log lines
	f := follow(t, d, slog.New(slog.NewTextHandler(&log, nil)))
	await(t, f, secret, "alice")
	other := registry.NewSecret()
	for name, outage := range map[string]struct{ begin, end func() }{
		"hangs": {server.Pause, server.Resume},
		"dies":  {server.Kill, func() { server.Restart(t) }},
	} {
		log.reset()
		outage.begin()
		await(t, f, other, "stale")
		if got := userOf(t, f, secret); got != "alice" {
			t.Errorf("the database %s: the known key is of %s", name, got)
		}
		time.Sleep(time.Second)
		outage.end()
		await(t, f, other, "?")
		if got := userOf(t, f, secret); got != "alice" {
			t.Errorf("the database %s, and is back: the known key is of %s", name, got)
		}
		for begun := time.Now(); log.count("is back") == 0 && time.Since(begun) < 20*time.Second; {
			time.Sleep(10 * time.Millisecond)
		}
		if away, back := log.count("does not answer"), log.count("is back"); away != 1 || back != 1 {
			t.Errorf("the database %s: the log says %d times that it is away, %d times that it is back", name, away, back)
		}
	}
}

// lines is a log that is written and read at the same time.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *lines) count(what string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.text.String(), what)
}

func (l *lines) reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text.Reset()
}
