package database

import (
	"context"
	"database/sql"
	"sync"
	"testing"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/registry"
)

// TestListen: who listens hears of each commit, and of no dry run, also after the connection was
// lost. SQLite tells nothing.
func TestListen(t *testing.T) {
	url := shared.URL(t, "listen")
	d, err := Open(Options{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	ctx, stop := context.WithCancel(t.Context())
	heard := make(chan struct{}, 100)
	var listening sync.WaitGroup
	listening.Go(func() { d.Listen(ctx, func() { heard <- struct{}{} }) })
	defer listening.Wait()
	defer stop()

	admin, err := sql.Open("pgx", url)
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	const listeners = "FROM pg_stat_activity WHERE query = 'LISTEN token_rate_limiter' AND datname = current_database()"
	awaitListener := func() {
		t.Helper()
		for n, begun := 0, time.Now(); n == 0; time.Sleep(5 * time.Millisecond) {
			if err := admin.QueryRowContext(t.Context(), "SELECT count(*) "+listeners).Scan(&n); err != nil {
				t.Fatal(err)
			}
			if time.Since(begun) > 20*time.Second {
				t.Fatal("nobody listens")
			}
		}
	}
	change := func(how registry.Write) {
		t.Helper()
		k, _ := key("alice")
		if _, err := d.Create(t.Context(), k, how); err != nil {
			t.Fatal(err)
		}
	}
	for _, connection := range []string{"the first", "a new"} {
		awaitListener()
		dry := act
		dry.DryRun = true
		change(dry)
		change(act)
		select {
		case <-heard:
		case <-time.After(20 * time.Second):
			t.Fatalf("%s connection has heard nothing", connection)
		}
		if len(heard) > 0 {
			t.Errorf("%s connection has heard of a dry run", connection)
		}
		if _, err := admin.ExecContext(t.Context(), "SELECT pg_terminate_backend(pid, 5000) "+listeners); err != nil {
			t.Fatal(err)
		}
	}

	file, err := Open(Options{Folder: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	file.Listen(t.Context(), func() { t.Error("SQLite has told something") })
}
