package database

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/token-rate-limiter/token-rate-limiter/internal/registry"
)

// TestChangesOnce: a change with the same id is made once, for a day; what has failed, and a dry
// run, is not remembered, and what is too old is dropped.
func TestChangesOnce(t *testing.T) {
	eachEngine(t, func(t *testing.T, open func(func() time.Time) *Database) {
		now := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
		d := open(func() time.Time { return now })
		once := func(id, body byte) registry.Write {
			return registry.Write{Act: registry.Act{Actor: "root"}, Once: &registry.Once{ID: registry.Sum{id}, Body: registry.Sum{body}}}
		}
		create := func(w registry.Write) (registry.Key, error) {
			k, _ := key("alice")
			return d.Create(t.Context(), k, w)
		}
		first, err := create(once(1, 1))
		if err != nil {
			t.Fatal(err)
		}
		_, err = create(once(1, 1))
		if done, ok := errors.AsType[*registry.RepeatedError](err); !ok || done.Object != first.ID {
			t.Errorf("the same once more: %v", err)
		}
		if _, err = create(once(1, 2)); !errors.Is(err, registry.ErrOtherBody) || errors.Is(err, registry.ErrUnavailable) {
			t.Errorf("another with the same id: %v", err)
		}
		dry := once(1, 2)
		dry.DryRun = true
		if _, err = create(dry); err != nil {
			t.Errorf("a dry run: %v", err)
		}
		failing := errors.New("no")
		_, err = d.Update(t.Context(), first.ID, once(2, 1), "key.test", func(*registry.Key, time.Time) error { return failing })
		if !errors.Is(err, failing) || errors.Is(err, registry.ErrUnavailable) {
			t.Errorf("one that fails: %v", err)
		}
		if _, err = create(once(2, 3)); err != nil {
			t.Errorf("after one that has failed: %v", err)
		}
		for i := range 3 { // the last is the first moment at which it is forgotten
			now = now.Add(registry.OnceFor / 2).Add(time.Duration(i/2) * time.Microsecond)
			_, err = create(once(1, 1))
			if repeated := err != nil; repeated != (i < 2) {
				t.Errorf("after %d half days: %v", i+1, err)
			}
		}
		var kept int
		db, err := d.ready(t.Context())
		if err == nil {
			err = db.QueryRowContext(t.Context(), "SELECT count(*) FROM idempotency").Scan(&kept)
		}
		if err != nil || kept != 1 {
			t.Errorf("%d are kept, %v", kept, err)
		}
	})
}

// TestReplicas: each is told with what it has applied, those that were not heard lately are not,
// and the revision knows nothing of it.
func TestReplicas(t *testing.T) {
	eachEngine(t, func(t *testing.T, open func(func() time.Time) *Database) {
		d, other := open(nil), open(nil)
		told := func() (list []string) {
			t.Helper()
			all, err := other.Replicas(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range all {
				if age := time.Since(r.Seen); age < -time.Minute || age > time.Minute {
					t.Errorf("%s was seen %v ago", r.ID, age)
				}
				list = append(list, fmt.Sprint(r.ID, r.Applied))
			}
			return list
		}
		for _, step := range []struct {
			do   func() error
			want []string
		}{
			{func() error { return nil }, nil},
			{func() error { return d.Report(t.Context(), "b", 1) }, []string{"b1"}},
			{func() error { return d.Report(t.Context(), "a", 7) }, []string{"a7", "b1"}},
			{func() error { return d.Report(t.Context(), "b", 7) }, []string{"a7", "b7"}},
			{func() error { return age(t, d, "a", registry.SeenFor+time.Second) }, []string{"b7"}},
			{func() error { return d.Report(t.Context(), "a", 8) }, []string{"a8", "b7"}},
			{func() error { return d.Leave(t.Context(), "b") }, []string{"a8"}},
			{func() error { return d.Leave(t.Context(), "nobody") }, []string{"a8"}},
		} {
			if err := step.do(); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(step.want, told()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		}
		if err := age(t, d, "a", 2*keptFor); err != nil {
			t.Fatal(err)
		}
		if err := d.Report(t.Context(), "c", 9); err != nil {
			t.Fatal(err)
		}
		var kept int
		db, err := d.ready(t.Context())
		if err == nil {
			err = db.QueryRowContext(t.Context(), "SELECT count(*) FROM replicas").Scan(&kept)
		}
		if r, failed := d.Revision(t.Context()); kept != 1 || err != nil || failed != nil || r != (registry.Revision{}) {
			t.Errorf("%d replicas are kept at revision %v, %v %v", kept, r, err, failed)
		}
	})
}

// age lets time pass for a replica.
func age(t *testing.T, d *Database, id string, by time.Duration) error {
	t.Helper()
	db, err := d.ready(t.Context())
	if err == nil {
		_, err = db.ExecContext(t.Context(), "UPDATE replicas SET seen_at = seen_at - $1 WHERE id = $2", by.Microseconds(), id)
	}
	return err
}
