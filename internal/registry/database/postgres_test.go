package database

import (
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/token-rate-limiter/token-rate-limiter/internal/postgrestest"
	"github.com/token-rate-limiter/token-rate-limiter/internal/registry"
)

// newURL returns the URL of a new database of the shared server.
func newURL(t *testing.T) string {
	t.Helper()
	return shared.URL(t, strings.ToLower(registry.NewID(time.Now())))
}

// TestStandby: a standby that lags is not believed, whatever the order of the hosts: a revoked key
// stays that, and the database is away with its primary. Where the standby is made the primary,
// what it has lost is told to be another history.
func TestStandby(t *testing.T) {
	t.Parallel()
	primary := postgrestest.Start(t)
	writer, err := Open(Options{URL: primary.URL(t, "control")})
	if err != nil {
		t.Fatal(err)
	}
	defer writer.Close()
	k, secret := create(t, writer, "alice")
	standby := primary.Standby(t)
	onStandby := func(statement string) {
		t.Helper()
		db, err := sql.Open("pgx", standby.URL(t, "control"))
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	onStandby("SELECT pg_wal_replay_pause()")
	if _, err := writer.Update(t.Context(), k.ID, act, "key.revoke", (*registry.Key).Revoke); err != nil {
		t.Fatal(err)
	}
	d, err := Open(Options{URL: fmt.Sprintf("postgres://test@%s,%s/control?sslmode=disable&connect_timeout=2", standby.Host(), primary.Host())})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	var log lines
	f := registry.NewFollower(d, slog.New(slog.NewTextHandler(&log, nil)))
	if err := f.Follow(t.Context()); err != nil || userOf(t, f, secret) != "?" || f.Revision().Number != 2 {
		t.Errorf("with both: %v, revision %d, and the revoked key is of %s", err, f.Revision().Number, userOf(t, f, secret))
	}
	// Behind a pool of connections the server changes without a word.
	both := d.engine
	config, err := pgx.ParseConfig(standby.URL(t, "control"))
	if err != nil {
		t.Fatal(err)
	}
	config.DefaultQueryExecMode = pgx.QueryExecModeExec
	direct := newPostgres(config)
	defer direct.close()
	d.engine = direct
	if err := f.Follow(t.Context()); !errors.Is(err, registry.ErrUnavailable) || !strings.Contains(err.Error(), "standby") || userOf(t, f, secret) == "alice" {
		t.Errorf("a standby that was not told to be one: %v, and the revoked key is of %s", err, userOf(t, f, secret))
	}
	d.engine = both
	primary.Kill()
	for range 3 {
		if err := f.Follow(t.Context()); !errors.Is(err, registry.ErrUnavailable) || f.Revision().Number != 2 {
			t.Errorf("with the standby alone: %v at the revision %d", err, f.Revision().Number)
		}
	}
	onStandby("SELECT pg_wal_replay_resume()")
	onStandby("SELECT pg_promote()")
	follows(t, f)
	// Whether the last change had come to the standby is up to it.
	want := map[int64]string{2: "? 0", 1: "alice 1"}[f.Revision().Number]
	if got := fmt.Sprint(userOf(t, f, secret), " ", log.count("another history")); got != want {
		t.Errorf("on the new primary at revision %d the key's user and the warnings are %s, want %s", f.Revision().Number, got, want)
	}
}

// TestPrivileges: a role that may not change the schema can use one that is there; one that may
// only read can follow and look.
func TestPrivileges(t *testing.T) {
	url := newURL(t)
	owner, err := Open(Options{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	defer owner.Close()
	_, secret := create(t, owner, "alice")
	for role, may := range map[string]string{"writes": "SELECT, INSERT, UPDATE, DELETE", "reads": "SELECT"} {
		role += strings.ToLower(registry.NewID(time.Now()))
		for _, statement := range []string{
			"CREATE ROLE " + role + " LOGIN", "GRANT " + may + " ON ALL TABLES IN SCHEMA public TO " + role,
		} {
			if _, err := pool(t, owner).ExecContext(t.Context(), statement); err != nil {
				t.Fatal(err)
			}
		}
		d, err := Open(Options{URL: strings.Replace(url, "test@", role+"@", 1)})
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		f := registry.NewFollower(d, slog.New(slog.DiscardHandler))
		if err := f.Follow(t.Context()); err != nil || userOf(t, f, secret) != "alice" {
			t.Errorf("%s: %v", role, err)
		}
		k, _ := key("bob")
		if _, err = d.Create(t.Context(), k, act); (err == nil) != (may != "SELECT") {
			t.Errorf("%s: a change ends with %v", role, err)
		}
	}
}

// TestURLs: what is wrong with a URL is told without its password.
func TestURLs(t *testing.T) {
	for url, want := range map[string]string{
		"postgres://root:hunter2@[::1:9/control":                                                "is none of PostgreSQL",
		"postgres://root:hunter2@db/control?sslmode=hunter2":                                    "is none of PostgreSQL",
		"postgres://root:hunter2@db/control?sslmode=verify-full&sslrootcert=/there/is/none.pem": "/there/is/none.pem: no such file",
	} {
		_, err := Open(Options{URL: url})
		if err == nil || strings.Contains(err.Error(), "hunter2") || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
