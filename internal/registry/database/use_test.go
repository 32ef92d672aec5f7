package database

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/registry"
)

// TestUse: the last use of a key is the latest that any gateway tells, and is of no revision.
func TestUse(t *testing.T) {
	eachEngine(t, func(t *testing.T, open func(func() time.Time) *Database) {
		d := open(nil)
		k, _ := create(t, d, "alice")
		before, err := d.Revision(t.Context())
		if err != nil || !k.Used.IsZero() {
			t.Fatal(err)
		}
		noon := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
		many := map[string]time.Time{k.ID: noon}
		for i := range 2 * usePage {
			many[fmt.Sprint(i)] = noon
		}
		var telling sync.WaitGroup
		for i := range 4 {
			gateway, keys := open(nil), map[string]time.Time{}
			for id := range many {
				keys[id] = noon.Add(time.Duration(i) * time.Second)
			}
			telling.Go(func() {
				if err := gateway.Used(t.Context(), keys); err != nil {
					t.Error(err)
				}
			})
		}
		telling.Wait()
		if err := d.Used(t.Context(), many); err != nil {
			t.Fatal(err)
		}
		got, err := d.Key(t.Context(), k.ID)
		if err != nil || !got.Used.Equal(noon.Add(3*time.Second)) || got.Revision != k.Revision {
			t.Errorf("the last use is %v, %v", got.Used, err)
		}
		if after, err := d.Revision(t.Context()); err != nil || after != before {
			t.Errorf("the revision is %v, %v", after, err)
		}
	})
}

// TestTellsUse: a gateway tells once a minute which keys were used, and at its end; what could not
// be told is told later, also where the key was changed meanwhile.
func TestTellsUse(t *testing.T) {
	folder := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		d, err := Open(Options{Folder: folder})
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		k, secret := create(t, d, "alice")
		f := registry.NewFollower(d, slog.New(slog.DiscardHandler))
		ctx, stop := context.WithCancel(t.Context())
		var telling sync.WaitGroup
		telling.Go(func() { f.TellUse(ctx) })
		use := func() time.Time {
			t.Helper()
			if err := f.Follow(t.Context()); err != nil {
				t.Fatal(err)
			}
			if got := userOf(t, f, secret); got != "alice" {
				t.Fatalf("the key is of %s", got)
			}
			return time.Now().Truncate(time.Second)
		}
		told := func(name string, want time.Time) {
			t.Helper()
			synctest.Wait()
			if got, err := d.Key(t.Context(), k.ID); err != nil || !got.Used.Equal(want) {
				t.Errorf("%s: the last use is %v, %v; want %v", name, got.Used, err, want)
			}
		}
		first := use()
		time.Sleep(30 * time.Second)
		told("too early", time.Time{})
		time.Sleep(30 * time.Second)
		told("after a minute", first)
		second := use()
		synctest.Wait()
		if _, err := pool(t, d).ExecContext(t.Context(), "ALTER TABLE key_use RENAME TO away"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		synctest.Wait() // it has tried
		if _, err := pool(t, d).ExecContext(t.Context(), "ALTER TABLE away RENAME TO key_use"); err != nil {
			t.Fatal(err)
		}
		told("it could not be told", first)
		time.Sleep(time.Minute)
		told("told later", second)
		last := use()
		if _, err := d.Update(t.Context(), k.ID, act, "key.rename", func(k *registry.Key, _ time.Time) error { k.Name += "+"; return nil }); err != nil {
			t.Fatal(err)
		}
		if err := f.Follow(t.Context()); err != nil {
			t.Fatal(err)
		}
		stop()
		telling.Wait()
		told("at the end", last)
	})
}
