package database

import (
	"context"
	"database/sql"
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

// pool returns the connections of a database.
func pool(t *testing.T, d *Database) *sql.DB {
	t.Helper()
	db, err := d.ready(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return db
}

// act is who makes the changes of the tests.
var act = registry.Write{Act: registry.Act{
	Actor: "root", Credential: "operator", Address: "192.0.2.1", RequestID: "R1", Reason: "a test",
}}

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
			if i%2 == 1 {
				k.Models, k.Endpoints = []string{"llama-*", `a"b`}, []string{"chat_completions"}
			}
			got, err := d.Create(t.Context(), k, act)
			if err != nil {
				t.Fatal(err)
			}
			k.ID, k.Created, k.Revision, k.Secrets = got.ID, now, int64(i+1), []registry.Secret{{Hash: k.Secrets[0].Hash, Created: now}}
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
		c, err := d.Changes(t.Context(), registry.Revision{})
		if err != nil || c.Revision.Number != 5 || !c.Whole || !cmp.Equal(c.Keys, want) {
			t.Errorf("revision %v, whole %v, %v: %s", c.Revision, c.Whole, err, cmp.Diff(want, c.Keys))
		}
		last := c.Revision
		if r, err := d.Revision(t.Context()); err != nil || r != last {
			t.Errorf("the revision is %v, %v; want %v", r, err, last)
		}
		third := revisionOf(t, d, 3)
		c, err = d.Changes(t.Context(), third)
		if err != nil || c.Revision != last || c.Whole || !cmp.Equal(c.Keys, want[3:]) {
			t.Errorf("since revision 3: %v, whole %v, %v: %s", c.Revision, c.Whole, err, cmp.Diff(want[3:], c.Keys))
		}
		if c, err = d.Changes(t.Context(), last); err != nil || c.Revision != last || c.Keys != nil || c.Whole {
			t.Errorf("since the last revision: %+v, %v", c, err)
		}
		for _, strange := range []registry.Revision{{Number: 99}, {Number: 99, Sum: third.Sum}, {Number: 3}, {Number: 3, Sum: last.Sum}, {Number: 5, Sum: third.Sum}} {
			if c, err = d.Changes(t.Context(), strange); err != nil || !c.Whole || len(c.Keys) != 5 {
				t.Errorf("since %v, which is of another history: %+v, %v", strange, c, err)
			}
		}
		checkPages(t, d, want)
	})
}

// revisionOf returns the revision of that number.
func revisionOf(t *testing.T, d *Database, number int64) registry.Revision {
	t.Helper()
	list, err := d.Audit(t.Context(), registry.AuditQuery{After: number - 1, Limit: 1})
	if err != nil || len(list) != 1 || list[0].Revision != number {
		t.Fatal(list, err)
	}
	return registry.Revision{Number: number, Sum: list[0].Sum}
}

// checkPages checks lists of every length, of all users and of one, from both ends.
func checkPages(t *testing.T, d *Database, all []registry.Key) {
	t.Helper()
	for _, q := range []registry.Query{{}, {Newest: true}, {User: "alice"}, {User: "nobody"}, {User: "alice", Newest: true}} {
		want := slices.DeleteFunc(slices.Clone(all), func(k registry.Key) bool { return q.User != "" && k.User != q.User })
		if q.Newest {
			slices.Reverse(want)
		}
		for q.Limit = 1; q.Limit < 7; q.Limit++ {
			if got := keysOf(t, d, q); len(got) != len(want) || len(want) > 0 && !cmp.Equal(got, want) {
				t.Errorf("%+v: %s", q, cmp.Diff(want, got))
			}
		}
	}
}

// keysOf returns all keys that q chooses, page after page.
func keysOf(t *testing.T, d *Database, q registry.Query) (keys []registry.Key) {
	t.Helper()
	for {
		p, err := d.Keys(t.Context(), q)
		if err != nil || len(p.Keys) > q.Limit {
			t.Fatalf("%d keys of at most %d, %v", len(p.Keys), q.Limit, err)
		}
		keys = append(keys, p.Keys...)
		if q.After = p.Next; p.Next == "" {
			return keys
		}
	}
}

// TestStates: lists of a state have the keys that are in it at the moment, as StateAt tells it.
func TestStates(t *testing.T) {
	eachEngine(t, func(t *testing.T, open func(func() time.Time) *Database) {
		now := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
		d := open(func() time.Time { return now })
		for i := range 12 {
			k, _ := key("alice")
			k.Expires = []time.Time{{}, now.Add(time.Minute), now.Add(time.Hour)}[i%3]
			k, err := d.Create(t.Context(), k, act)
			if err == nil && i%2 == 0 {
				_, err = d.Update(t.Context(), k.ID, act, "key.revoke", (*registry.Key).Revoke)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		for _, now = range []time.Time{now, now.Add(time.Minute - 1), now.Add(time.Minute), now.Add(2 * time.Hour)} {
			n := 0
			for _, state := range registry.States {
				for _, k := range keysOf(t, d, registry.Query{State: state, User: "alice", Limit: 2}) {
					if n++; k.StateAt(now) != state {
						t.Errorf("among those that are %s is one that is %s", state, k.StateAt(now))
					}
				}
			}
			if n != 12 {
				t.Errorf("all states together have %d keys", n)
			}
		}
	})
}

// TestWrites: what a writer has not seen is not changed by it; a dry run tells what would be, or
// what is wrong, and keeps nothing.
func TestWrites(t *testing.T) {
	eachEngine(t, func(t *testing.T, open func(func() time.Time) *Database) {
		d := open(nil)
		k, _ := key("alice")
		k, err := d.Create(t.Context(), k, act)
		if err != nil {
			t.Fatal(err)
		}
		rename := func(k *registry.Key, _ time.Time) error { k.Name += "+"; return nil }
		how := act
		how.Expected = k.Revision
		for i, want := range []error{nil, registry.ErrConflict, registry.ErrConflict} {
			got, err := d.Update(t.Context(), k.ID, how, "key.update", rename)
			if !errors.Is(err, want) || errors.Is(err, registry.ErrUnavailable) {
				t.Errorf("change %d: %v, want %v", i, err, want)
			}
			if err == nil && got.Revision != how.Expected+1 {
				t.Errorf("after a change of %d the key has the revision %d", how.Expected, got.Revision)
			}
		}
		before, err := d.Changes(t.Context(), registry.Revision{})
		if err != nil {
			t.Fatal(err)
		}
		dry := act
		dry.DryRun = true
		if got, err := d.Update(t.Context(), k.ID, dry, "key.update", rename); err != nil || got.Name != "laptop++" || got.Revision != 3 {
			t.Errorf("a dry run tells %+v, %v", got, err)
		}
		other, _ := key("bob")
		if got, err := d.Create(t.Context(), other, dry); err != nil || got.User != "bob" || got.ID == "" {
			t.Errorf("a dry run tells %+v, %v", got, err)
		}
		other.Secrets = k.Secrets
		if _, err := d.Create(t.Context(), other, dry); !errors.Is(err, registry.ErrTaken) {
			t.Errorf("a dry run with a secret that is known: %v", err)
		}
		after, err := d.Changes(t.Context(), registry.Revision{})
		if err != nil || !cmp.Equal(before, after) {
			t.Errorf("dry runs have changed %s, %v", cmp.Diff(before, after), err)
		}
	})
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
			if r, err := d.Revision(t.Context()); err != nil || r.Number != revision {
				t.Errorf("%s: revision %d, %v; want %d", step.name, r.Number, err, revision)
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
		var revision registry.Revision
		for ended := false; ; {
			c, err := follower.Changes(t.Context(), revision)
			if err != nil || c.Revision.Number < revision.Number {
				t.Fatalf("revision %v after %v, %v", c.Revision, revision, err)
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
		if diff := cmp.Diff(want, got); diff != "" || revision.Number != 2*writers*each {
			t.Errorf("at revision %v whoever follows has %s", revision, diff)
		}
		checkAudit(t, follower, int(revision.Number))
	})
}

// checkAudit checks that each revision has one record, whose sums follow from each other.
func checkAudit(t *testing.T, d *Database, want int) {
	t.Helper()
	list, err := d.Audit(t.Context(), registry.AuditQuery{Limit: want + 1})
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
			_, err = d.Update(t.Context(), k.ID, registry.Write{Act: registry.Act{Actor: "eve"}}, "key.revoke", func(k *registry.Key, now time.Time) error {
				k.Revoked = now
				return nil
			})
		}
		if err != nil {
			t.Fatal(err)
		}
		list, err := d.Audit(t.Context(), registry.AuditQuery{Limit: 10})
		if err != nil || len(list) != 2 {
			t.Fatal(list, err)
		}
		if r := list[0]; r.Act != act.Act || r.Action != "key.create" || r.Object != k.ID || r.Before != "" || !strings.Contains(r.After, `"user":"alice"`) {
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

// TestAuditQueries: records are found by their revisions, their actors and their objects, from
// both ends.
func TestAuditQueries(t *testing.T) {
	eachEngine(t, func(t *testing.T, open func(func() time.Time) *Database) {
		d := open(nil)
		var ids []string
		for i := range 6 {
			k, _ := key("alice")
			how := registry.Write{Act: registry.Act{Actor: fmt.Sprint("actor", i%2)}}
			k, err := d.Create(t.Context(), k, how)
			if err == nil {
				_, err = d.Update(t.Context(), k.ID, act, "key.revoke", (*registry.Key).Revoke)
			}
			if err != nil {
				t.Fatal(err)
			}
			ids = append(ids, k.ID)
		}
		for _, tt := range []struct {
			q    registry.AuditQuery
			want []int64
		}{
			{registry.AuditQuery{Limit: 3}, []int64{1, 2, 3}},
			{registry.AuditQuery{After: 10, Limit: 3}, []int64{11, 12}},
			{registry.AuditQuery{Before: 3, Limit: 3}, []int64{1, 2}},
			{registry.AuditQuery{Newest: true, Limit: 2}, []int64{12, 11}},
			{registry.AuditQuery{Newest: true, Before: 3, Limit: 9}, []int64{2, 1}},
			{registry.AuditQuery{After: 3, Before: 7, Newest: true, Limit: 9}, []int64{6, 5, 4}},
			{registry.AuditQuery{Actor: "actor1", Limit: 9}, []int64{3, 7, 11}},
			{registry.AuditQuery{Object: ids[2], Limit: 9}, []int64{5, 6}},
			{registry.AuditQuery{Object: ids[2], Actor: "root", Limit: 9}, []int64{6}},
			{registry.AuditQuery{Actor: "' OR 1=1", Limit: 9}, nil},
		} {
			list, err := d.Audit(t.Context(), tt.q)
			var got []int64
			for _, r := range list {
				got = append(got, r.Revision)
			}
			if err != nil || !slices.Equal(got, tt.want) {
				t.Errorf("%+v: %v, %v; want %v", tt.q, got, err, tt.want)
			}
		}
	})
}

// TestOpens: many gateways open a new database at once. One that is older than what a later one
// has made goes on where it can work with that, and not where it cannot, also while it runs.
func TestOpens(t *testing.T) {
	eachEngine(t, func(t *testing.T, open func(func() time.Time) *Database) {
		var opening sync.WaitGroup
		for range 6 {
			d := open(nil)
			opening.Go(func() {
				if err := d.Prepare(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		opening.Wait()
		running := open(nil)
		k, _ := key("alice")
		if _, err := running.Create(t.Context(), k, act); err != nil {
			t.Fatal(err)
		}
		known := len(steps)
		for version, later := range map[int]bool{known: false, known + 1: true} {
			_, err := pool(t, running).ExecContext(t.Context(), insertVersion, 97+version, version)
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range []*Database{running, open(nil)} {
				_, err := d.Revision(t.Context())
				if later != errors.Is(err, registry.ErrLaterVersion) || !later && err != nil || errors.Is(err, registry.ErrUnavailable) {
					t.Errorf("with a schema for gateways that know version %d, and this one knows %d: %v", version, known, err)
				}
			}
			if _, err := pool(t, running).ExecContext(t.Context(), "DELETE FROM schema_version WHERE version > 90"); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// TestVerifyStore: records that were taken out at the beginning, in between or at the end, or put
// there by another hand, are found.
func TestVerifyStore(t *testing.T) {
	eachEngine(t, func(t *testing.T, open func(func() time.Time) *Database) {
		d := open(nil)
		if last, err := registry.VerifyStore(t.Context(), d); err != nil || last.Revision != 0 {
			t.Errorf("nothing: %d, %v", last.Revision, err)
		}
		for range 6 {
			k, _ := key("alice")
			if _, err := d.Create(t.Context(), k, act); err != nil {
				t.Fatal(err)
			}
		}
		if last, err := registry.VerifyStore(t.Context(), d); err != nil || last.Revision != 6 || last.Sum == (registry.Sum{}) {
			t.Errorf("six records: %d, %v", last.Revision, err)
		}
		run := func(statements ...string) {
			t.Helper()
			for _, s := range statements {
				if _, err := pool(t, d).ExecContext(t.Context(), s); err != nil {
					t.Fatal(err)
				}
			}
		}
		run("CREATE TABLE kept AS SELECT * FROM audit")
		for statement, want := range map[string]string{
			"DELETE FROM audit WHERE revision = 1":                   "record of revision 2 after that of 0",
			"DELETE FROM audit WHERE revision = 3":                   "record of revision 4 after that of 2",
			"DELETE FROM audit WHERE revision > 4":                   "ends with revision 4",
			"UPDATE meta SET revision = 5":                           "put there by another hand",
			"UPDATE audit SET actor = 'nobody' WHERE revision = 6":   "record of revision 6",
			"UPDATE audit SET reason = '', address = 'a test'":       "record of revision 1",
			"UPDATE audit SET after = '{}' WHERE revision IN (2, 4)": "record of revision 2",
			"UPDATE audit SET at = at + 1 WHERE revision IN (3, 4)":  "record of revision 3",
			"UPDATE audit SET sum = 'x' WHERE revision = 6":          "is no SHA-256",
			"UPDATE audit SET revision = 0 - revision WHERE true":    "ends with revision 0",
		} {
			run(statement)
			if _, err := registry.VerifyStore(t.Context(), d); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v, want %q", statement, err, want)
			}
			run("DELETE FROM audit", "INSERT INTO audit SELECT * FROM kept", "UPDATE meta SET revision = 6")
		}
		if _, err := registry.VerifyStore(t.Context(), d); err != nil {
			t.Error(err)
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
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	d, err = Open(Options{Folder: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if _, err := d.Changes(ctx, registry.Revision{}); !errors.Is(err, registry.ErrUnavailable) {
		t.Errorf("a call that was given up: %v", err)
	}
}
