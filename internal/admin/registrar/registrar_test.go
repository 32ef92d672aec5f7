package registrar_test

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"

	"github.com/token-rate-limiter/token-rate-limiter/internal/admin/registrar"
	"github.com/token-rate-limiter/token-rate-limiter/internal/gate"
	"github.com/token-rate-limiter/token-rate-limiter/internal/identity"
	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
	"github.com/token-rate-limiter/token-rate-limiter/internal/postgrestest"
	"github.com/token-rate-limiter/token-rate-limiter/internal/registry"
	"github.com/token-rate-limiter/token-rate-limiter/internal/registry/database"
	"github.com/token-rate-limiter/token-rate-limiter/internal/reply"
	"github.com/token-rate-limiter/token-rate-limiter/internal/store/memory"
)

// shared is a server for all tests, each of which has a database of its own in it. It is started
// when the first one needs it: fuzzing starts many processes, none of which does.
var (
	started bool
	shared  = sync.OnceValues(func() (*postgrestest.Server, error) { started = true; return postgrestest.Open() })
)

func TestMain(m *testing.M) {
	code := m.Run()
	if started {
		if s, err := shared(); err == nil {
			s.Close()
		}
	}
	os.Exit(code)
}

// desk is a registrar behind a server, with its database and its log.
type desk struct {
	url      string
	client   *http.Client
	store    *database.Database
	follower *registry.Follower
	log      *text
	accounts limit.Store
	policies []*limit.Policy
	driver   string // of the database
	source   string // of the database, for the driver
}

// text is what was written, by anybody.
type text struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (t *text) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.b.Write(b)
}

func (t *text) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.b.String()
}

// fileSecret is the secret of a key of the file, which is admin, and others are those of people
// who may less.
const (
	fileSecret = "file-0123456789abcdef0123456789abcdef"
	userSecret = "user-0123456789abcdef0123456789abcdef"
	viewSecret = "view-0123456789abcdef0123456789abcdef"
)

// fileKeys are those of the configuration.
func fileKeys() []registry.Key {
	keys := []registry.Key{
		{Name: "alice-laptop", User: "alice", Roles: []identity.Role{identity.User}},
		{Name: "operator", User: "root", Roles: []identity.Role{identity.Admin}},
		{Name: "over/view", User: "vera", Roles: []identity.Role{identity.Viewer}},
	}
	for i, secret := range []string{userSecret, fileSecret, viewSecret} {
		keys[i].Secrets = []registry.Secret{{Hash: registry.HashOf(secret)}}
	}
	return keys
}

// known returns what knows the keys of the file, and those of a follower.
func known(t testing.TB, f *registry.Follower) func() identity.Authenticator {
	t.Helper()
	var list []identity.Key
	for _, k := range fileKeys() {
		list = append(list, identity.Key{Name: k.Name, User: k.User, Roles: k.Roles, Hash: fmt.Sprintf("sha256:%x", k.Secrets[0].Hash)})
	}
	keys, err := identity.NewKeys(list)
	if err != nil {
		t.Fatal(err)
	}
	return func() identity.Authenticator {
		if f == nil {
			return keys
		}
		return identity.Chain{keys, f.Keys}
	}
}

// open opens a desk on a database; without any where o has neither.
func open(t testing.TB, o database.Options) *desk {
	t.Helper()
	return openOn(t, o, memory.New(memory.Options{}))
}

// openOn is open with a store of accounts.
func openOn(t testing.TB, o database.Options, accounts limit.Store) *desk {
	t.Helper()
	d := &desk{log: &text{}, driver: "sqlite", source: filepath.Join(o.Folder, "control.db")}
	if o.URL != "" {
		d.driver, d.source = "pgx", o.URL
	}
	log := slog.New(slog.NewJSONHandler(d.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	d.accounts, d.policies = accounts, policies(t)
	options := registrar.Options{
		Log: log, FileKeys: fileKeys, Replica: "here",
		Accounts: d.accounts, Policies: func() []*limit.Policy { return d.policies },
	}
	if o.URL != "" || o.Folder != "" {
		var err error
		if d.store, err = database.Open(o); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = d.store.Close() })
		d.follower = registry.NewFollower(d.store, log)
		if err := d.follower.Follow(t.Context()); err != nil {
			t.Fatal(err)
		}
		options.Store, options.Follow = d.store, d.follower.Follow
		options.Applied = func() int64 { return d.follower.Revision().Number }
	}
	options.Gate = &gate.Gate{Authenticator: known(t, d.follower), Log: log}
	mux := &gate.Mux{}
	registrar.New(options).Register(mux)
	server := httptest.NewServer(reply.WithRequestID(mux))
	t.Cleanup(server.Close)
	d.url, d.client = server.URL+registrar.Base, server.Client()
	return d
}

// another opens another desk on the same database, as another replica has it.
func (d *desk) another(t testing.TB) *desk {
	t.Helper()
	if d.driver == "pgx" {
		return open(t, database.Options{URL: d.source})
	}
	return open(t, database.Options{Folder: filepath.Dir(d.source)})
}

// eachEngine runs a test on SQLite and on PostgreSQL.
func eachEngine(t *testing.T, test func(t *testing.T, d *desk)) {
	t.Run("sqlite", func(t *testing.T) { test(t, open(t, database.Options{Folder: t.TempDir()})) })
	t.Run("postgres", func(t *testing.T) {
		server, err := shared()
		if err != nil {
			t.Fatal(err)
		}
		test(t, open(t, database.Options{URL: server.URL(t, strings.ToLower(registry.NewID(time.Now())))}))
	})
}

// reply is an answer, with its body read.
type got struct {
	status int
	header http.Header
	text   string
	body   map[string]any
}

// at returns a member of the body as a text; "" where it is not there.
func (g got) at(name string) string {
	if g.body[name] == nil {
		return ""
	}
	return fmt.Sprint(g.body[name])
}

// ask sends a request of the operator. fields are those of the header, each with its value; that
// of Key takes the place of the operator's.
func (d *desk) ask(t testing.TB, method, path, body string, fields ...string) got {
	t.Helper()
	g, err := d.try(t.Context(), method, path, body, fields...)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// try is ask where the answer may not come.
func (d *desk) try(ctx context.Context, method, path, body string, fields ...string) (g got, err error) {
	r, err := http.NewRequestWithContext(ctx, method, d.url+path, strings.NewReader(body))
	if err != nil {
		return g, err
	}
	r.Header.Set("Authorization", "Bearer "+fileSecret)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(fields); i += 2 {
		name, value := fields[i], fields[i+1]
		if name == "Key" {
			name, value = "Authorization", "Bearer "+value
		}
		if value == "" {
			r.Header.Del(name)
		} else {
			r.Header.Add(name, value)
			r.Header[http.CanonicalHeaderKey(name)] = r.Header.Values(name)[max(0, len(r.Header.Values(name))-1):]
		}
	}
	a, err := d.client.Do(r)
	if err != nil {
		return g, err
	}
	defer a.Body.Close()
	b, err := io.ReadAll(a.Body)
	g = got{status: a.StatusCode, header: a.Header, text: string(b)}
	if strings.Contains(a.Header.Get("Content-Type"), "json") && !strings.Contains(a.Header.Get("Content-Type"), "ndjson") {
		err = errors.Join(err, json.Unmarshal(b, &g.body))
	}
	return g, err
}

// want checks the status of an answer, and of a problem its shape and code.
func (g got) want(t testing.TB, what string, status int, code string) got {
	t.Helper()
	if g.status != status || g.at("code") != code {
		t.Errorf("%s: %d %s, want %d %s", what, g.status, g.text, status, code)
	}
	if status < 400 {
		return g
	}
	if kind := g.header.Get("Content-Type"); kind != "application/problem+json" || g.at("type") != "about:blank" || g.at("title") != http.StatusText(status) ||
		g.at("status") != fmt.Sprint(status) || g.at("detail") == "" || g.at("request_id") != g.header.Get("X-Request-Id") {
		t.Errorf("%s: no problem of RFC 9457: %s %s", what, kind, g.text)
	}
	if (status == 503) != (g.header.Get("Retry-After") != "") && code != "request_in_progress" {
		t.Errorf("%s: %d with Retry-After %q", what, status, g.header.Get("Retry-After"))
	}
	return g
}

// create creates a key and returns its id and its secret.
func (d *desk) create(t testing.TB, body string) (id, secret string) {
	t.Helper()
	g := d.ask(t, "POST", "/keys", body).want(t, "create", 201, "")
	return g.at("id"), g.at("secret")
}

// everything returns all rows of all tables of the database.
func (d *desk) everything(t testing.TB) string {
	t.Helper()
	db, err := sql.Open(d.driver, d.source)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	tables := "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"
	if d.driver == "pgx" {
		tables = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename"
	}
	var names []string
	each(t, db, tables, func(row []any) { names = append(names, fmt.Sprint(row[0])) })
	var all strings.Builder
	for _, name := range names {
		if name == "replicas" {
			continue // it tells the time
		}
		var rows []string
		each(t, db, "SELECT * FROM "+name, func(row []any) { rows = append(rows, fmt.Sprint(row...)) })
		fmt.Fprintf(&all, "%s: %d %q\n", name, len(rows), rows)
	}
	if len(names) < 5 {
		t.Fatalf("the database has the tables %q only", names)
	}
	return all.String()
}

// each calls do with each row that a question finds.
func each(t testing.TB, db *sql.DB, question string, do func([]any)) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), question)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		row, to := make([]any, len(columns)), make([]any, len(columns))
		for i := range row {
			to[i] = &row[i]
		}
		if err := rows.Scan(to...); err != nil {
			t.Fatal(err)
		}
		do(row)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
}
