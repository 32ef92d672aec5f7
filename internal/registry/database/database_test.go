package database

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/token-rate-limiter/token-rate-limiter/internal/identity"
	"github.com/token-rate-limiter/token-rate-limiter/internal/postgrestest"
	"github.com/token-rate-limiter/token-rate-limiter/internal/registry"
)

// shared is a server for all tests, each of which has a database of its own in it.
var shared *postgrestest.Server

func TestMain(m *testing.M) {
	var err error
	if shared, err = postgrestest.Open(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	shared.Close()
	os.Exit(code)
}

// eachEngine runs a test on SQLite and on PostgreSQL. open opens the test's database, once more
// at each call.
func eachEngine(t *testing.T, test func(t *testing.T, open func(now func() time.Time) *Database)) {
	run := func(name string, options func(t *testing.T) Options) {
		t.Run(name, func(t *testing.T) {
			o := options(t)
			test(t, func(now func() time.Time) *Database {
				t.Helper()
				o := o
				o.Now = now
				d, err := Open(o)
				if err == nil {
					err = d.Prepare(t.Context())
				}
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { _ = d.Close() })
				return d
			})
		})
	}
	run("sqlite", func(t *testing.T) Options { return Options{Folder: filepath.Join(t.TempDir(), "data ?#%")} })
	run("postgres", func(t *testing.T) Options {
		return Options{URL: shared.URL(t, strings.ToLower(registry.NewID(time.Now())))}
	})
}

// act is who makes the changes of the tests.
var act = registry.Act{Actor: "root", Credential: "operator", RequestID: "R1", Reason: "a test"}

// key returns a key of a user with a secret of its own.
func key(user string) (registry.Key, string) {
	secret := registry.NewSecret()
	return registry.Key{
		Name: "laptop", User: user, Roles: []identity.Role{identity.User},
		Secrets: []registry.Secret{{Hash: registry.HashOf(secret)}},
	}, secret
}

// TestKeysAreKept: what is created is found again as it was, by its id, in lists and among the
// changes, also by whoever opens the database later.
func TestKeysAreKept(t *testing.T) {
	eachEngine(t, func(t *testing.T, open func(func() time.Time) *Database) {
		now := time.Date(2026, 11, 30, 12, 0, 0, 123456000, time.UTC)
		d := open(func() time.Time { return now })
		var want []registry.Key
		for i, user := range []string{"alice", "bob", "alice", "김민수", "a'b\"c;--"} {
			k, _ := key(user)
			k.Expires = []time.Time{{}, now.Add(time.Hour)}[i%2]
			k.ActAs = i%2 == 1
			k.Roles = []identity.Role{identity.User, identity.Admin}[:1+i%2]
			got, err := d.Create(t.Context(), k, act)
			if err != nil {
				t.Fatal(err)
			}
			k.ID, k.Created, k.Secrets[0].Created = got.ID, now, now
			if diff := cmp.Diff(k, got); diff != "" || len(got.ID) != 26 {
				t.Errorf("created is %s", diff)
			}
			want = append(want, k)
			now = now.Add(time.Second)
		}
		d = open(func() time.Time { return now })
		for _, k := range want {
			if got, err := d.Key(t.Context(), k.ID); err != nil || !cmp.Equal(got, k) {
				t.Errorf("%v: %s", err, cmp.Diff(k, got))
			}
		}
		c, err := d.Changes(t.Context(), 0)
		if err != nil || c.Revision != 5 || !c.Whole || !cmp.Equal(c.Keys, want) {
			t.Errorf("revision %d, whole %v, %v: %s", c.Revision, c.Whole, err, cmp.Diff(want, c.Keys))
		}
		c, err = d.Changes(t.Context(), 3)
		if err != nil || c.Revision != 5 || c.Whole || !cmp.Equal(c.Keys, want[3:]) {
			t.Errorf("since revision 3: %d, whole %v, %v: %s", c.Revision, c.Whole, err, cmp.Diff(want[3:], c.Keys))
		}
		if c, err = d.Changes(t.Context(), 5); err != nil || c.Revision != 5 || c.Keys != nil {
			t.Errorf("since the last revision: %+v, %v", c, err)
		}
		if c, err = d.Changes(t.Context(), 99); err != nil || !c.Whole || len(c.Keys) != 5 {
			t.Errorf("since a revision that there is not: %+v, %v", c, err)
		}
		checkPages(t, d, want)
	})
}

// checkPages checks lists of every length, of all users and of one.
func checkPages(t *testing.T, d *Database, all []registry.Key) {
	t.Helper()
	for _, user := range []string{"", "alice", "nobody"} {
		want := slices.DeleteFunc(slices.Clone(all), func(k registry.Key) bool { return user != "" && k.User != user })
		for limit := 1; limit < 7; limit++ {
			var got []registry.Key
			q := registry.Query{User: user, Limit: limit}
			for {
				p, err := d.Keys(t.Context(), q)
				if err != nil || len(p.Keys) > limit {
					t.Fatalf("%d keys of at most %d, %v", len(p.Keys), limit, err)
				}
				got = append(got, p.Keys...)
				if q.After = p.Next; p.Next == "" {
					break
				}
			}
			if len(got) != len(want) || len(want) > 0 && !cmp.Equal(got, want) {
				t.Errorf("of %q in pages of %d: %s", user, limit, cmp.Diff(want, got))
			}
		}
	}
}

// TestUpdates: a key is rotated, revoked and changed; what is wrong changes nothing, not even the
// revision, and is told.
func TestUpdates(t *testing.T) {
	eachEngine(t, func(t *testing.T, open func(func() time.Time) *Database) {
		now := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
		d := open(func() time.Time { return now })
		a, secret := key("alice")
		a, err := d.Create(t.Context(), a, act)
		if err != nil {
			t.Fatal(err)
		}
		b, other := key("bob")
		if b, err = d.Create(t.Context(), b, act); err != nil {
			t.Fatal(err)
		}
		rotate := func(h registry.Hash, overlap time.Duration) func(*registry.Key, time.Time) error {
			return func(k *registry.Key, now time.Time) error { return k.Rotate(h, overlap, now) }
		}
		revision := int64(2)
		for _, step := range []struct {
			name   string
			id     string
			change func(*registry.Key, time.Time) error
			want   error
		}{
			{"a key that there is not", registry.NewID(now), rotate(registry.Hash{1}, 0), registry.ErrNotFound},
			{"another secret", a.ID, rotate(registry.Hash{1}, time.Hour), nil},
			{"a third", a.ID, rotate(registry.Hash{2}, time.Hour), nil},
			{"too many", a.ID, rotate(registry.Hash{3}, time.Hour), registry.ErrTooMany},
			{"the secret of another key", b.ID, rotate(registry.HashOf(secret), 0), registry.ErrTaken},
			{"its own secret of before", a.ID, rotate(registry.HashOf(secret), 0), registry.ErrTaken},
			{"another name", b.ID, func(k *registry.Key, _ time.Time) error { k.Name = "phone"; return nil }, nil},
			{"no user", b.ID, func(k *registry.Key, _ time.Time) error { k.User = ""; return nil }, &registry.FieldError{}},
			{"at once", a.ID, rotate(registry.Hash{3}, 0), nil},
			{"revoked", b.ID, func(k *registry.Key, now time.Time) error { k.Revoked = now; return nil }, nil},
			{"rotated although it is revoked", b.ID, rotate(registry.Hash{9}, 0), registry.ErrRevoked},
		} {
			now = now.Add(time.Second)
			_, err := d.Update(t.Context(), step.id, act, "key.test", step.change)
			var field *registry.FieldError
			if ok := errors.Is(err, step.want) || errors.As(step.want, &field) && errors.As(err, &field); !ok || errors.Is(err, registry.ErrUnavailable) {
				t.Errorf("%s: %v, want %v", step.name, err, step.want)
			}
			if step.want == nil {
				revision++
			}
			if c, err := d.Changes(t.Context(), 0); err != nil || c.Revision != revision {
				t.Errorf("%s: revision %d, %v; want %d", step.name, c.Revision, err, revision)
			}
		}
		if a, err = d.Key(t.Context(), a.ID); err != nil {
			t.Fatal(err)
		}
		good := 0
		for _, s := range a.Secrets {
			if s.Expires.IsZero() || s.Expires.After(now) {
				good++
			}
		}
		if len(a.Secrets) != 4 || good != 1 || a.Secrets[0].Hash != (registry.Hash{3}) {
			t.Errorf("after rotations at once %d of %d secrets are good, first %x", good, len(a.Secrets), a.Secrets[0].Hash)
		}
		if b, err = d.Key(t.Context(), b.ID); err != nil || b.StateAt(now) != registry.Revoked || b.Name != "phone" || b.Secrets[0].Hash != registry.HashOf(other) {
			t.Errorf("the revoked key is %+v, %v", b, err)
		}
	})
}

// TestWritersAtOnce: many gateways and goroutines change one database. Each change has a
// revision of its own, none is lost, and whoever follows by revisions sees all of them.
func TestWritersAtOnce(t *testing.T) {
	eachEngine(t, func(t *testing.T, open func(func() time.Time) *Database) {
		const writers, each = 4, 15
		var writing sync.WaitGroup
		var mu sync.Mutex
		want := map[string]int{}
		for w := range writers {
			d := open(nil)
			writing.Go(func() {
				for i := range each {
					k, _ := key(fmt.Sprint("user", w))
					k, err := d.Create(t.Context(), k, act)
					for n := 1; err == nil && n <= i%3; n++ {
						k, err = d.Update(t.Context(), k.ID, act, "key.rename", func(k *registry.Key, _ time.Time) error {
							k.Name += "+"
							return nil
						})
					}
					if err != nil {
						t.Error(err)
						return
					}
					mu.Lock()
					want[k.ID] = len(k.Name)
					mu.Unlock()
				}
			})
		}
		follower, got := open(nil), map[string]int{}
		done := make(chan struct{})
		go func() { writing.Wait(); close(done) }()
		var revision int64
		for ended := false; ; {
			c, err := follower.Changes(t.Context(), revision)
			if err != nil || c.Revision < revision {
				t.Fatalf("revision %d after %d, %v", c.Revision, revision, err)
			}
			revision = c.Revision
			for _, k := range c.Keys {
				if len(k.Name) < got[k.ID] {
					t.Errorf("the key %s has gone back", k.ID)
				}
				got[k.ID] = len(k.Name)
			}
			if ended {
				break
			}
			select {
			case <-done:
				ended = true
			default:
			}
		}
		if diff := cmp.Diff(want, got); diff != "" || revision != 2*writers*each {
			t.Errorf("at revision %d whoever follows has %s", revision, diff)
		}
		checkAudit(t, follower, int(revision))
	})
}

// checkAudit checks that each revision has one record, whose sums follow from each other.
func checkAudit(t *testing.T, d *Database, want int) {
	t.Helper()
	list, err := d.Audit(t.Context(), 0, want+1)
	if err != nil || len(list) != want {
		t.Fatalf("the audit has %d records, %v; want %d", len(list), err, want)
	}
	if err := registry.Verify(registry.Record{}, list); err != nil {
		t.Error(err)
	}
}

// TestAudit: records tell who did what, from what to what, and no secret nor hash; a record that
// was changed, taken out or put elsewhere is found.
func TestAudit(t *testing.T) {
	eachEngine(t, func(t *testing.T, open func(func() time.Time) *Database) {
		d := open(nil)
		k, secret := key("alice")
		k, err := d.Create(t.Context(), k, act)
		if err == nil {
			_, err = d.Update(t.Context(), k.ID, registry.Act{Actor: "eve"}, "key.revoke", func(k *registry.Key, now time.Time) error {
				k.Revoked = now
				return nil
			})
		}
		if err != nil {
			t.Fatal(err)
		}
		list, err := d.Audit(t.Context(), 0, 10)
		if err != nil || len(list) != 2 {
			t.Fatal(list, err)
		}
		if r := list[0]; r.Act != act || r.Action != "key.create" || r.Object != k.ID || r.Before != "" || !strings.Contains(r.After, `"user":"alice"`) {
			t.Errorf("the first record is %+v", r)
		}
		if r := list[1]; r.Actor != "eve" || r.Before != list[0].After || !strings.Contains(r.After, `"revoked_at":"2`) {
			t.Errorf("the second record is %+v", r)
		}
		hash := fmt.Sprintf("%x", registry.HashOf(secret))
		if all := fmt.Sprint(list); strings.Contains(all, secret) || strings.Contains(all, hash) {
			t.Error("the audit has a secret or its hash")
		}
		if err := registry.Verify(registry.Record{}, list); err != nil {
			t.Error(err)
		}
		for name, forge := range map[string]func([]registry.Record) []registry.Record{
			"a changed record": func(l []registry.Record) []registry.Record { l[0].Actor = "nobody"; return l },
			"a record less":    func(l []registry.Record) []registry.Record { return l[1:] },
			"another order":    func(l []registry.Record) []registry.Record { l[0], l[1] = l[1], l[0]; return l },
			"words put elsewhere": func(l []registry.Record) []registry.Record {
				l[0].Actor, l[0].Credential = "rootop", "erator"
				return l
			},
		} {
			if registry.Verify(registry.Record{}, forge(slices.Clone(list))) == nil {
				t.Errorf("%s is not found", name)
			}
		}
	})
}

// TestOpens: many gateways open a new database at once; one of an older version does not touch
// what a later one has written.
func TestOpens(t *testing.T) {
	eachEngine(t, func(t *testing.T, open func(func() time.Time) *Database) {
		var opening sync.WaitGroup
		for range 6 {
			opening.Go(func() { open(nil) })
		}
		opening.Wait()
		d := open(nil)
		if _, err := d.db.ExecContext(t.Context(), "INSERT INTO schema_version (version) VALUES (99)"); err != nil {
			t.Fatal(err)
		}
		if _, err := (&Database{engine: d.engine, now: d.now}).Revision(t.Context()); !errors.Is(err, ErrLaterVersion) || errors.Is(err, registry.ErrUnavailable) {
			t.Errorf("a later version's database is opened: %v", err)
		}
	})
}

// TestAway: what cannot be reached is said to be that, without the password.
func TestAway(t *testing.T) {
	d, err := Open(Options{URL: "postgres://root:hunter2@127.0.0.1:9/control?connect_timeout=2"})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	_, err = d.Revision(t.Context())
	if !errors.Is(err, registry.ErrUnavailable) || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("nobody there: %v", err)
	}
	_, err = Open(Options{URL: "postgres://root:hunter2@[::1:9/control"})
	if err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("no URL: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	d, err = Open(Options{Folder: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if _, err := d.Changes(ctx, 0); !errors.Is(err, registry.ErrUnavailable) {
		t.Errorf("a call that was given up: %v", err)
	}
}
