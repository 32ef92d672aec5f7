package database

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/registry"
)

// TestResumes: what one follower knew, another begins with while the database is away: the same
// keys, in the same state, by the clock. Once the database answers, only what has changed since is
// read; another history is read as a whole.
func TestResumes(t *testing.T) {
	eachEngine(t, func(t *testing.T, open func(func() time.Time) *Database) {
		d := open(nil)
		k, old := create(t, d, "alice")
		next := registry.NewSecret()
		if _, err := d.Update(t.Context(), k.ID, act, "key.rotate", func(k *registry.Key, now time.Time) error {
			return k.Rotate(registry.HashOf(next), 0, now)
		}); err != nil {
			t.Fatal(err)
		}
		limited, reached := key("bob")
		limited.Models = []string{"llama-*"}
		if _, err := d.Create(t.Context(), limited, act); err != nil {
			t.Fatal(err)
		}
		gone, revoked := create(t, d, "eve")
		if _, err := d.Update(t.Context(), gone.ID, act, "key.revoke", (*registry.Key).Revoke); err != nil {
			t.Fatal(err)
		}
		before := registry.NewFollower(d, slog.New(slog.DiscardHandler))
		if err := before.Follow(t.Context()); err != nil {
			t.Fatal(err)
		}
		known, err := before.Known(t.Context())
		if err != nil || len(known.Keys) != 2 || known.Revision != before.Revision() {
			t.Fatalf("%d keys are known at %v, %v", len(known.Keys), known.Revision, err)
		}
		var log lines
		f := registry.NewFollower(d, slog.New(slog.NewTextHandler(&log, nil)))
		if f.Informed() {
			t.Error("before anything is known it says that something is")
		}
		f.Resume(known)
		for secret, want := range map[string]string{next: "alice", reached: "bob", old: "stale", revoked: "stale"} {
			if got := userOf(t, f, secret); got != want {
				t.Errorf("before the database is heard a secret is of %s, want %s", got, want)
			}
		}
		p, err := f.Keys.Authenticate(t.Context(), reached)
		if err != nil || p.Principal.Reach == nil || p.Principal.Reach.AllowsModel("qwen") || !f.Informed() || f.Heard() || f.Fresh() {
			t.Errorf("what bob's key reaches is %+v, %v", p.Principal, err)
		}
		_, late := create(t, d, "carol")
		if err := f.Follow(t.Context()); err != nil {
			t.Fatal(err)
		}
		for secret, want := range map[string]string{next: "alice", reached: "bob", old: "?", revoked: "?", late: "carol"} {
			if got := userOf(t, f, secret); got != want {
				t.Errorf("once the database is heard a secret is of %s, want %s", got, want)
			}
		}
		if log.count("another history") != 0 {
			t.Error("a copy of this history is said to be of another one")
		}
		known.Revision.Sum[0]++
		f = registry.NewFollower(d, slog.New(slog.NewTextHandler(&log, nil)))
		f.Resume(known)
		if err := f.Follow(t.Context()); err != nil || log.count("another history") != 1 || userOf(t, f, late) != "carol" {
			t.Errorf("a copy of another history: %v, %s", err, log.text.String())
		}
	})
}

// TestKeeps: what is known is kept when it is new, at most once a second and once at the end,
// and again where that fails, of which the log tells once.
func TestKeeps(t *testing.T) {
	folder := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		d, err := Open(Options{Folder: folder})
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		var log lines
		f := registry.NewFollower(d, slog.New(slog.NewTextHandler(&log, nil)))
		ctx, stop := context.WithCancel(t.Context())
		var mu sync.Mutex
		var kept []int64
		var failing error
		var keeping sync.WaitGroup
		keeping.Go(func() {
			f.Keep(ctx, func(c registry.Changes) error {
				mu.Lock()
				defer mu.Unlock()
				kept = append(kept, c.Revision.Number)
				return failing
			})
		})
		step := func(name string, wait time.Duration, want ...int64) {
			t.Helper()
			time.Sleep(wait)
			synctest.Wait()
			mu.Lock()
			defer mu.Unlock()
			if !slices.Equal(kept, want) {
				t.Errorf("%s: kept are %v, want %v", name, kept, want)
			}
			kept = nil
		}
		change := func() {
			t.Helper()
			create(t, d, "alice")
			if err := f.Follow(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		step("nothing is known", 10*time.Second)
		for range 3 {
			change()
		}
		step("at once", time.Millisecond)
		step("three changes", time.Second, 3)
		step("no change", 10*time.Second)
		fails := func(err error) {
			mu.Lock()
			defer mu.Unlock()
			failing = err
		}
		fails(errors.New("the disk is full"))
		change()
		step("the disk is full", 3*time.Second, 4, 4, 4)
		fails(nil)
		step("there is room", 10*time.Second, 4)
		change()
		stop()
		keeping.Wait()
		step("the end", 0, 5)
		if n := log.count("the disk is full"); n != 1 {
			t.Errorf("the log tells %d times of the disk", n)
		}
	})
}
