package database

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/registry"
)

// slow is a store that takes its time for each piece, and fails at some.
type slow struct {
	*Database
	mu     sync.Mutex
	pause  time.Duration
	fails  int // at each so many; 0: never
	pieces int
}

func (s *slow) Changes(ctx context.Context, since registry.Revision) (registry.Changes, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pieces++
	if s.fails > 0 && s.pieces%s.fails == 0 {
		return registry.Changes{}, registry.ErrUnavailable
	}
	time.Sleep(s.pause)
	return s.Database.Changes(ctx, since)
}

// TestPieces: whoever has missed many changes reads them in pieces, each of which counts at once,
// also where some of them fail; what is told as applied is so only when all are there. A key that
// is revoked, and changed again while the pieces come, is not forgotten.
func TestPieces(t *testing.T) {
	eachEngine(t, func(t *testing.T, open func(func() time.Time) *Database) {
		d := open(nil)
		d.piece = 3
		revoked, secret := create(t, d, "alice")
		s := &slow{Database: d, fails: 3}
		f := registry.NewFollower(s, slog.New(slog.DiscardHandler))
		follows(t, f)
		begin := f.Revision()
		if _, err := d.Update(t.Context(), revoked.ID, act, "key.revoke", (*registry.Key).Revoke); err != nil {
			t.Fatal(err)
		}
		var secrets []string
		for range 20 {
			_, secret := create(t, d, "bob")
			secrets = append(secrets, secret)
		}
		rename := func(k *registry.Key, _ time.Time) error { k.Name += "+"; return nil }
		if _, err := d.Update(t.Context(), revoked.ID, act, "key.update", rename); err != nil {
			t.Fatal(err)
		}
		if c, err := d.Changes(t.Context(), begin); err != nil || len(c.Keys) != 3 || !c.More || c.Whole || c.Revision != revisionOf(t, d, 5) {
			t.Errorf("the first piece is %+v, %v", c, err)
		}
		if err := f.Follow(t.Context()); !errors.Is(err, registry.ErrUnavailable) || f.Revision() != begin {
			t.Errorf("where a piece has failed: %v, revision %d", err, f.Revision().Number)
		}
		if got := userOf(t, f, secrets[0]); got != "bob" {
			t.Errorf("what is of a piece that came is of %s", got)
		}
		follows(t, f)
		if got := userOf(t, f, secret); got != "?" || f.Revision().Number != 23 {
			t.Errorf("the revoked key is of %s at the revision %d", got, f.Revision().Number)
		}
		for _, secret := range secrets {
			if got := userOf(t, f, secret); got != "bob" {
				t.Errorf("a key is of %s", got)
			}
		}
	})
}

// TestPiecesOfBefore: a copy is restored between two pieces. What they have left to later changes,
// which are lost, is read.
func TestPiecesOfBefore(t *testing.T) {
	o, backup := copiedFile(t)
	d, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	d.piece = 2
	k, secret := create(t, d, "alice")
	s := &slow{Database: d}
	f := registry.NewFollower(s, slog.New(slog.DiscardHandler))
	follows(t, f)
	if _, err := d.Update(t.Context(), k.ID, act, "key.revoke", (*registry.Key).Revoke); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		create(t, d, "bob")
	}
	restore := backup()
	if _, err := d.Update(t.Context(), k.ID, act, "key.update", func(k *registry.Key, _ time.Time) error { k.Name = "+"; return nil }); err != nil {
		t.Fatal(err)
	}
	s.pieces, s.fails = 0, 2
	if err := f.Follow(t.Context()); err == nil || userOf(t, f, secret) != "alice" {
		t.Fatalf("%v, and the key is of %s", err, userOf(t, f, secret))
	}
	restore()
	s.fails = 0
	follows(t, f)
	if got := userOf(t, f, secret); got != "?" || f.Revision().Number != 5 {
		t.Errorf("at the revision %d the revoked key is of %s", f.Revision().Number, got)
	}
}

// TestPiecesAreNoOutage: the log does not say that the database is away while pieces come, however
// long all of them take.
func TestPiecesAreNoOutage(t *testing.T) {
	t.Parallel()
	d, err := Open(Options{Folder: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	d.piece = 1
	create(t, d, "alice")
	s := &slow{Database: d, pause: 300 * time.Millisecond}
	var log lines
	f := registry.NewFollower(s, slog.New(slog.NewTextHandler(&log, nil)))
	follows(t, f)
	for range 5 {
		create(t, d, "bob")
	}
	if err := f.Follow(t.Context()); err != nil || log.count("does not answer") != 0 || s.pieces < 6 {
		t.Errorf("%v after %d pieces; the log: %v", err, s.pieces, &log.text)
	}
}

// TestVanished: a gateway that says nothing any more within a write holds up the others for a
// while only.
func TestVanished(t *testing.T) {
	url := newURL(t)
	d, err := Open(Options{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	k, _ := create(t, d, "alice")
	gone, err := Open(Options{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	defer gone.Close()
	gone.engine.(*postgres).silence = 100 * time.Millisecond
	ctx, stop := context.WithCancel(context.Background())
	held, ended := make(chan bool), make(chan bool)
	go func() {
		defer close(ended)
		_, _ = gone.Update(ctx, k.ID, act, "key.update", func(*registry.Key, time.Time) error {
			close(held)
			<-ctx.Done()
			return ctx.Err()
		})
	}()
	<-held
	waiting, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if _, err := d.Update(waiting, k.ID, act, "key.revoke", (*registry.Key).Revoke); err != nil {
		t.Errorf("another gateway cannot change a key: %v", err)
	}
	stop()
	<-ended
	for _, statement := range []string{d.lock() + ", " + d.bounded(), strings.ReplaceAll(raiseRevision, "NOW", "0") + d.bounded()} {
		tx, err := pool(t, d).BeginTx(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		var bound string
		if _, err = tx.ExecContext(t.Context(), statement); err == nil {
			err = tx.QueryRowContext(t.Context(), "SHOW idle_in_transaction_session_timeout").Scan(&bound)
		}
		if err != nil || bound != fmt.Sprint(silenceMax) {
			t.Errorf("after %s a gateway may be silent for %s, %v", statement, bound, err)
		}
		_ = tx.Rollback()
	}
}
