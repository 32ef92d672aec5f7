package database

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/registry"
)

// create keeps a key of a user and returns it with its secret.
func create(t *testing.T, d *Database, user string) (registry.Key, string) {
	t.Helper()
	k, secret := key(user)
	k, err := d.Create(t.Context(), k, act)
	if err != nil {
		t.Fatal(err)
	}
	return k, secret
}

// TestRestored: a copy of the database takes its place, and has other changes up to the same
// revision, or fewer, or more. Whoever has followed before knows what there is now, and nothing
// that is not there any more.
func TestRestored(t *testing.T) {
	for later := range 3 {
		for name, engine := range map[string]func(*testing.T) (Options, func() (restore func())){
			"sqlite": copiedFile, "postgres": copiedDatabase,
		} {
			t.Run(fmt.Sprintf("%s with %d changes after the copy", name, later), func(t *testing.T) {
				o, backup := engine(t)
				d, err := Open(o)
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { _ = d.Close() })
				kept, old := create(t, d, "alice")
				restore := backup()
				for begun := time.Now(); time.Since(begun) < 20*time.Second; { // its connections have ended
					_, err := d.Revision(t.Context())
					if _, other := d.Key(t.Context(), kept.ID); err == nil && other == nil {
						break
					}
				}
				_, lost := create(t, d, "bob")
				if _, err := d.Update(t.Context(), kept.ID, act, "key.revoke", (*registry.Key).Revoke); err != nil {
					t.Fatal(err)
				}
				var log lines
				f := registry.NewFollower(d, slog.New(slog.NewTextHandler(&log, nil)))
				if err := f.Follow(t.Context()); err != nil {
					t.Fatal(err)
				}
				restore()
				other, err := Open(o) // whoever changes something there
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { _ = other.Close() })
				var secrets []string
				for range later {
					_, secret := create(t, other, "carol")
					secrets = append(secrets, secret)
				}
				follows(t, f)
				want := map[string]string{old: "alice", lost: "?"}
				for _, s := range secrets {
					want[s] = "carol"
				}
				for secret, user := range want {
					if got := userOf(t, f, secret); got != user {
						t.Errorf("a key is of %s, want %s", got, user)
					}
				}
				if n := log.count("another history"); n != 1 || f.Revision().Number != int64(1+later) {
					t.Errorf("at the revision %d the log says %d times that the history is another one", f.Revision().Number, n)
				}
			})
		}
	}
}

// follows has f follow, until the connections to what was there before are noticed to be gone.
func follows(t *testing.T, f *registry.Follower) {
	t.Helper()
	for begun := time.Now(); ; {
		err := f.Follow(t.Context())
		if err == nil {
			return
		}
		if time.Since(begun) > 20*time.Second {
			t.Fatal(err)
		}
	}
}

// copiedFile is SQLite's engine, of which a consistent copy is put back over the file.
func copiedFile(t *testing.T) (Options, func() func()) {
	folder := t.TempDir()
	path, copied := filepath.Join(folder, fileName), filepath.Join(t.TempDir(), "copy.db")
	return Options{Folder: folder}, func() func() {
		d, err := Open(Options{Folder: folder})
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		if _, err := pool(t, d).ExecContext(t.Context(), "VACUUM INTO ?", copied); err != nil {
			t.Fatal(err)
		}
		return func() {
			for _, beside := range []string{"-wal", "-shm"} {
				if err := os.Remove(path + beside); err != nil && !errors.Is(err, os.ErrNotExist) {
					t.Fatal(err)
				}
			}
			if err := os.Rename(copied, path); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// copiedDatabase is PostgreSQL's engine, of which a copy takes the place of the database.
func copiedDatabase(t *testing.T) (Options, func() func()) {
	name := strings.ToLower(registry.NewID(time.Now()))
	url, elsewhere := shared.URL(t, name), shared.URL(t, "elsewhere")
	run := func(statement string) {
		t.Helper()
		d, err := openPostgres(Options{URL: elsewhere})
		if err != nil {
			t.Fatal(err)
		}
		defer d.close()
		if _, err := d.db.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	return Options{URL: url}, func() func() {
		run(fmt.Sprintf(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '%s'`, name))
		run(fmt.Sprintf(`CREATE DATABASE "%s copy" TEMPLATE "%[1]s"`, name))
		return func() {
			run(fmt.Sprintf(`DROP DATABASE "%s" WITH (FORCE)`, name))
			run(fmt.Sprintf(`ALTER DATABASE "%s copy" RENAME TO "%[1]s"`, name))
		}
	}
}

// TestFileThatIsGone: SQLite's file is not made anew while keys are known of it, and is used
// again when it is back. Whoever only looks makes nothing.
func TestFileThatIsGone(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "data")
	looking, err := Open(Options{Folder: folder, Existing: true})
	if err != nil {
		t.Fatal(err)
	}
	defer looking.Close()
	if _, err := looking.Keys(t.Context(), registry.Query{Limit: 1}); !errors.Is(err, ErrNone) {
		t.Errorf("a look at nothing: %v", err)
	}
	if _, err := os.Stat(folder); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a look has made something: %v", err)
	}
	d, err := Open(Options{Folder: folder})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	_, secret := create(t, d, "alice")
	if p, err := looking.Keys(t.Context(), registry.Query{Limit: 1}); err != nil || len(p.Keys) != 1 {
		t.Errorf("a look at what is there now: %v", err)
	}
	f := registry.NewFollower(d, slog.New(slog.DiscardHandler))
	if err := f.Follow(t.Context()); err != nil {
		t.Fatal(err)
	}
	away := folder + " of before"
	if err := os.Rename(folder, away); err != nil {
		t.Fatal(err)
	}
	if err := f.Follow(t.Context()); !errors.Is(err, registry.ErrUnavailable) || userOf(t, f, secret) != "alice" {
		t.Errorf("without its file: %v, and the key is of %s", err, userOf(t, f, secret))
	}
	k, _ := key("bob")
	if _, err := d.Create(t.Context(), k, act); !errors.Is(err, registry.ErrUnavailable) || !strings.Contains(err.Error(), "put the file back") {
		t.Errorf("a key is made without the file: %v", err)
	}
	if err := os.Rename(away, folder); err != nil {
		t.Fatal(err)
	}
	if err := f.Follow(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestFilesAreOurs: what SQLite keeps is for nobody else to read, also where the file was there.
func TestFilesAreOurs(t *testing.T) {
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, fileName), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	d, err := Open(Options{Folder: folder})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	create(t, d, "alice")
	files, err := os.ReadDir(folder)
	if err != nil || len(files) < 2 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		if info, err := file.Info(); err != nil || info.Mode() != 0o600 {
			t.Errorf("%s is %v, %v", file.Name(), info.Mode(), err)
		}
	}
}

// TestFullDisk: SQLite's file may not grow: what was answered is kept, whole and verified, the
// rest is told to be unavailable, and reading goes on.
func TestFullDisk(t *testing.T) {
	folder := t.TempDir()
	d, err := Open(Options{Folder: folder})
	if err != nil {
		t.Fatal(err)
	}
	create(t, d, "alice")
	if _, err := pool(t, d).ExecContext(t.Context(), "PRAGMA max_page_count = 40"); err != nil {
		t.Fatal(err)
	}
	want := 1
	for ; want < 1000; want++ {
		k, _ := key("bob")
		if _, err = d.Create(t.Context(), k, act); err != nil {
			break
		}
	}
	if !errors.Is(err, registry.ErrUnavailable) || errors.Is(err, registry.ErrUnconfirmed) || !strings.Contains(err.Error(), "full") {
		t.Errorf("after %d keys the error is %v", want, err)
	}
	for range 2 { // once more after another start
		c, err := d.Changes(t.Context(), registry.Revision{})
		if err != nil || len(c.Keys) != want || c.Revision.Number != int64(want) {
			t.Errorf("%d keys at %v, %v; want %d", len(c.Keys), c.Revision, err, want)
		}
		if last, err := registry.VerifyStore(t.Context(), d); err != nil || last.Revision != int64(want) {
			t.Errorf("the audit ends with %d, %v", last.Revision, err)
		}
		_ = d.Close()
		if d, err = Open(Options{Folder: folder}); err != nil {
			t.Fatal(err)
		}
	}
	_ = d.Close()
}

// TestLostCommit: where the connection ends with a commit, the change may have been done, and
// that is said.
func TestLostCommit(t *testing.T) {
	d, err := Open(Options{URL: shared.URL(t, strings.ToLower(registry.NewID(time.Now())))})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	create(t, d, "alice")
	if _, err := pool(t, d).ExecContext(t.Context(), `
		CREATE FUNCTION lose() RETURNS trigger AS $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$ LANGUAGE plpgsql;
		CREATE CONSTRAINT TRIGGER losing AFTER INSERT ON audit DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION lose()`); err != nil {
		t.Fatal(err)
	}
	k, _ := key("bob")
	if _, err := d.Create(t.Context(), k, act); !errors.Is(err, registry.ErrUnavailable) || !errors.Is(err, registry.ErrUnconfirmed) {
		t.Errorf("a lost commit: %v", err)
	}
	k.Name = ""
	if _, err := d.Create(t.Context(), k, act); errors.Is(err, registry.ErrUnconfirmed) || err == nil {
		t.Errorf("what was not tried: %v", err)
	}
}

// TestChangesHang: a statement that reads changes and hangs is given up soon, the log says that
// the database is away while it does, and what was changed is known once it answers.
func TestChangesHang(t *testing.T) {
	t.Parallel()
	d, err := Open(Options{URL: shared.URL(t, strings.ToLower(registry.NewID(time.Now())))})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	k, secret := create(t, d, "alice")
	var log lines
	f := registry.NewFollower(d, slog.New(slog.NewTextHandler(&log, nil)))
	if err := f.Follow(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Update(t.Context(), k.ID, act, "key.revoke", (*registry.Key).Revoke); err != nil {
		t.Fatal(err)
	}
	tx, err := pool(t, d).BeginTx(context.Background(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.ExecContext(t.Context(), "LOCK TABLE key_secrets IN ACCESS EXCLUSIVE MODE"); err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	following := make(chan error)
	go func() { following <- f.Follow(context.Background()) }()
	for log.count("does not answer") == 0 && time.Since(begun) < 10*time.Second {
		time.Sleep(time.Millisecond)
	}
	select {
	case err := <-following:
		t.Errorf("the log waits for the end of the call: %v", err)
	default:
		err = <-following
	}
	if took := time.Since(begun); !errors.Is(err, registry.ErrUnavailable) || took > changesTimeout+2*time.Second {
		t.Errorf("given up after %v: %v", took, err)
	}
	if got := userOf(t, f, secret); got != "alice" {
		t.Errorf("meanwhile the key is of %s", got)
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	if err := f.Follow(t.Context()); err != nil || userOf(t, f, secret) != "?" {
		t.Errorf("%v, and the revoked key is of %s", err, userOf(t, f, secret))
	}
}

// TestOldLog: where a copy is moved over SQLite's file while the log of that one is still beside
// it, neither is touched, and the remedy is told; it helps.
func TestOldLog(t *testing.T) {
	o := Options{Folder: t.TempDir()}
	d, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	_, old := create(t, d, "alice")
	path := filepath.Join(o.Folder, fileName)
	copied := filepath.Join(t.TempDir(), "copy.db")
	if _, err := pool(t, d).ExecContext(t.Context(), "VACUUM INTO ?", copied); err != nil {
		t.Fatal(err)
	}
	_, lost := create(t, d, "bob")
	f := registry.NewFollower(d, slog.New(slog.DiscardHandler))
	follows(t, f)
	if err := os.Rename(copied, path); err != nil {
		t.Fatal(err)
	}
	k, _ := key("carol")
	_, write := d.Create(t.Context(), k, act)
	for call, err := range map[string]error{"follow": f.Follow(t.Context()), "create": write} {
		if !errors.Is(err, registry.ErrUnavailable) || !strings.Contains(err.Error(), "remove control.db-wal") {
			t.Errorf("%s: %v", call, err)
		}
	}
	if userOf(t, f, lost) != "bob" {
		t.Error("what was known is forgotten")
	}
	for _, beside := range []string{"-wal", "-shm"} {
		if err := os.Remove(path + beside); err != nil {
			t.Fatal(err)
		}
	}
	follows(t, f)
	if last, err := registry.VerifyStore(t.Context(), d); err != nil || last.Revision != 1 || userOf(t, f, old) != "alice" || userOf(t, f, lost) != "?" {
		t.Errorf("%v, revision %d", err, last.Revision)
	}
}

// TestLookLeavesTheSchema: whoever only looks does not bring up an earlier schema, and says so.
func TestLookLeavesTheSchema(t *testing.T) {
	folder := t.TempDir()
	d, err := Open(Options{Folder: folder})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	create(t, d, "alice")
	undo(t, d)
	looking, err := Open(Options{Folder: folder, Existing: true})
	if err != nil {
		t.Fatal(err)
	}
	defer looking.Close()
	if _, err := looking.Keys(t.Context(), registry.Query{Limit: 1}); !errors.Is(err, ErrEarlierVersion) || !strings.Contains(err.Error(), "has version 1 of its schema") {
		t.Errorf("a look at an earlier schema: %v", err)
	}
	if version, err := d.versionOf(t.Context(), d.engine.(*sqliteFile).db); err != nil || version != 1 {
		t.Errorf("a look has made version %d, %v", version, err)
	}
}
