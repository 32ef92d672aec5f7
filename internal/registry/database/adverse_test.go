package database

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/registry"
)

// TestMetaHasOneRow: a database that has none or two revisions, as after a copy was put into tables
// that were there, is not believed, neither by whoever follows nor by whoever changes something.
func TestMetaHasOneRow(t *testing.T) {
	eachEngine(t, func(t *testing.T, open func(func() time.Time) *Database) {
		d := open(nil)
		k, _ := create(t, d, "alice")
		for _, statement := range []string{"INSERT INTO meta (revision) VALUES (0)", "DELETE FROM meta"} {
			if _, err := pool(t, d).ExecContext(t.Context(), statement); err != nil {
				t.Fatal(err)
			}
			_, err := d.Revision(t.Context())
			_, changes := d.Changes(t.Context(), registry.Revision{})
			_, write := d.Update(t.Context(), k.ID, act, "key.revoke", (*registry.Key).Revoke)
			for call, err := range map[string]error{"Revision": err, "Changes": changes, "Update": write} {
				if !errors.Is(err, registry.ErrUnavailable) || !strings.Contains(err.Error(), "meta has") {
					t.Errorf("%s: %s: %v", statement, call, err)
				}
			}
		}
	})
}

// TestStarved: writers that wait for each other, and take all connections, do not keep those who
// follow from theirs.
func TestStarved(t *testing.T) {
	eachEngine(t, func(t *testing.T, open func(func() time.Time) *Database) {
		holder, d := open(nil), open(nil)
		create(t, d, "alice")
		tx, err := pool(t, holder).BeginTx(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tx.ExecContext(t.Context(), "UPDATE meta SET revision = revision"); err != nil {
			t.Fatal(err)
		}
		db := pool(t, d)
		var writers sync.WaitGroup
		for range connectionsMax + 1 {
			writers.Go(func() {
				k, _ := key("bob")
				if _, err := d.Create(t.Context(), k, act); err != nil {
					t.Error(err)
				}
			})
		}
		for begun := time.Now(); db.Stats().InUse < db.Stats().MaxOpenConnections && time.Since(begun) < 10*time.Second; {
			time.Sleep(time.Millisecond)
		}
		begun := time.Now()
		r, err := d.Revision(t.Context())
		if err == nil {
			_, err = d.Changes(t.Context(), registry.Revision{})
		}
		if took := time.Since(begun); err != nil || r.Number != 1 || took > time.Second {
			t.Errorf("after %v: %v, revision %d", took, err, r.Number)
		}
		if err := tx.Rollback(); err != nil {
			t.Error(err)
		}
		writers.Wait()
	})
}

// TestClockOfTheDatabase: ids and times are of PostgreSQL's clock, whatever that of the gateway
// says.
func TestClockOfTheDatabase(t *testing.T) {
	url := newURL(t)
	first, err := Open(Options{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	k, _ := create(t, first, "alice")
	if _, err := pool(t, first).ExecContext(t.Context(), `
		CREATE FUNCTION public.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS $$ SELECT pg_catalog.clock_timestamp() + interval '1 hour' $$;
		DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET search_path = public, pg_catalog', current_database()); END $$`); err != nil {
		t.Fatal(err)
	}
	d, err := Open(Options{URL: url}) // its connections know that clock
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	ahead := func(at time.Time) bool { return time.Until(at) > 50*time.Minute }
	later, _ := create(t, d, "bob")
	if !ahead(later.Created) || later.ID[:10] <= registry.NewID(time.Now().Add(50 * time.Minute))[:10] {
		t.Errorf("a key is created at %v with the id %s", later.Created, later.ID)
	}
	k, err = d.Update(t.Context(), k.ID, act, "key.rotate", func(k *registry.Key, now time.Time) error {
		return k.Rotate(registry.Hash{1}, time.Minute, now)
	})
	if err != nil || !ahead(k.Secrets[0].Created) || k.Secrets[1].Expires.Sub(k.Secrets[0].Created) != time.Minute {
		t.Errorf("a rotation makes %+v, %v", k.Secrets, err)
	}
}
