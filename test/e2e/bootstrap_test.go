package e2e

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/identity"
	"github.com/token-rate-limiter/token-rate-limiter/internal/postgrestest"
)

// lookWith returns the status of a look at somebody's usage with a key.
func (c client) lookWith(t testing.TB, key string) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, c.base+"/api/v1/admin/token-usage/"+model+"/alice", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+key)
	response, err := c.http.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	return response.StatusCode
}

// TestBootstrap: a key that is made beside running gateways is good on all of them soon, and is
// shown once; while the database is away it goes on counting, and a key that nobody knows may be
// newer than what is known.
func TestBootstrap(t *testing.T) {
	t.Parallel()
	_, server := newModelServer(t)
	postgres := postgrestest.Start(t)
	configs := folder(t, map[string]string{"application.yml": fmt.Sprintf(
		"server: {address: '127.0.0.1:0'}\ndatabase: {url: %q}\nvllm: {services: {%s: %q}}\n", postgres.URL(t, "control"), model, server)})
	var gateways []*gateway
	for range 2 {
		p := start(t, "serve", "--config", configs)
		gateways = append(gateways, &gateway{p, newClient(t, "http://"+p.address(t))})
	}
	for _, g := range gateways {
		if status := g.lookWith(t, "trl_"+strings.Repeat("0", 49)); status != http.StatusUnauthorized {
			t.Errorf("before there is a key the answer is %d", status)
		}
	}
	p := start(t, "bootstrap", "--config", configs)
	if code := p.wait(t); code != 0 {
		t.Fatalf("bootstrap ended with %d: %s", code, p.stderr.String())
	}
	key := strings.TrimSpace(p.stdout.String())
	for _, g := range gateways {
		took := eventually(t, patience, "the key is known", func() bool { return g.lookWith(t, key) == http.StatusOK })
		t.Logf("known after %v", took.Round(time.Millisecond))
	}
	if strings.Contains(p.stderr.String(), key) {
		t.Error("the secret is on standard error too")
	}
	into := filepath.Join(t.TempDir(), "admin.key")
	p = start(t, "bootstrap", "--config", configs, "--secret-file", into)
	if code := p.wait(t); code != 0 || p.stdout.String() != "" {
		t.Fatalf("bootstrap into a file ended with %d: %s%s", code, p.stdout.String(), p.stderr.String())
	}
	text, err := os.ReadFile(into)
	if info, _ := os.Stat(into); err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("the file is %v, %v", info, err)
	}
	if p = start(t, "bootstrap", "--config", configs, "--secret-file", into); p.wait(t) == 0 {
		t.Error("the file was written over")
	}
	other := strings.TrimSpace(string(text))
	for _, g := range gateways {
		eventually(t, patience, "the second key is known", func() bool { return g.lookWith(t, other) == http.StatusOK })
	}
	testLostCommit(t, configs, postgres.URL(t, "control"))
	unknown := "0123456789abcdef0123456789abcdef"
	for _, g := range gateways {
		if status, database := g.registryHealth(t); status != http.StatusOK || database != "UP" {
			t.Errorf("with the database the health is %d, and the database %s", status, database)
		}
	}
	postgres.Kill()
	for _, g := range gateways {
		eventually(t, patience, "503 for a key that nobody knows", func() bool { return g.lookWith(t, unknown) == http.StatusServiceUnavailable })
		if status := g.lookWith(t, key); status != http.StatusOK {
			t.Errorf("without the database a known key is answered with %d", status)
		}
		if status, database := g.registryHealth(t); status != http.StatusOK || database != "DOWN" {
			t.Errorf("without the database the health is %d, and the database %s", status, database)
		}
		if seconds := g.metric(t, "control_database_staleness_seconds"); seconds < 1 {
			t.Errorf("without the database the staleness is %v s", seconds)
		}
	}
	late := start(t, "serve", "--config", configs)
	if g := (&gateway{late, newClient(t, "http://"+late.address(t))}); g.lookWith(t, key) != http.StatusServiceUnavailable {
		t.Error("a gateway that starts without the database says that it knows all keys")
	} else {
		if status, database := g.registryHealth(t); status != http.StatusServiceUnavailable || database != "DOWN" {
			t.Errorf("a gateway that has never heard the database has the health %d, and the database %s", status, database)
		}
		gateways = append(gateways, g)
	}
	postgres.Restart(t)
	for _, g := range gateways {
		eventually(t, patience, "all is well", func() bool {
			return g.lookWith(t, unknown) == http.StatusUnauthorized && g.lookWith(t, key) == http.StatusOK
		})
		if status, database := g.registryHealth(t); status != http.StatusOK || database != "UP" {
			t.Errorf("with the database again the health is %d, and the database %s", status, database)
		}
		if all := g.stderr.String(); strings.Contains(all, key) || strings.Contains(all, other) || strings.Contains(all, unknown) {
			t.Error("the log has a key")
		}
	}
}

// registryHealth returns the status of the health document, and what it says of the control
// database; "" where it says nothing.
func (g *gateway) registryHealth(t *testing.T) (status int, database string) {
	t.Helper()
	status, body := g.get("/actuator/health/readiness")
	var told struct {
		Components map[string]struct{ Status string }
	}
	if err := json.Unmarshal([]byte(body), &told); err != nil {
		t.Fatal(err)
	}
	return status, told.Components["controlDatabase"].Status
}

// TestStartWithoutDatabase: a gateway that starts while the database is away knows the keys that
// the one before has kept on its disk, and is ready. It finds the database by itself. A file that
// is damaged is not used, and is written anew once the database is there.
func TestStartWithoutDatabase(t *testing.T) {
	t.Parallel()
	_, server := newModelServer(t)
	postgres := postgrestest.Start(t)
	data := filepath.Join(t.TempDir(), "data")
	configs := folder(t, map[string]string{"application.yml": fmt.Sprintf(
		"server: {address: '127.0.0.1:0', data-directory: %q}\ndatabase: {url: %q}\nvllm: {services: {%s: %q}}\n",
		data, postgres.URL(t, "control"), model, server)})
	serve := func() *gateway {
		p := start(t, "serve", "--config", configs)
		return &gateway{p, newClient(t, "http://"+p.address(t))}
	}
	create := func() string {
		p := start(t, "key", "create", "--user", "alice", "--name", "x", "--role", "admin", "--config", configs)
		if code := p.wait(t); code != 0 {
			t.Fatalf("key create ended with %d: %s", code, p.stderr.String())
		}
		return strings.TrimSpace(p.stdout.String())
	}
	first, unknown := create(), "0123456789abcdef0123456789abcdef"
	g := serve()
	file := filepath.Join(data, "keys.copy")
	eventually(t, patience, "the file is there", func() bool { _, err := os.Stat(file); return err == nil })
	second := create()
	eventually(t, patience, "the second key is known", func() bool { return g.lookWith(t, second) == http.StatusOK })
	g.signal(syscall.SIGTERM) // at once: it is kept at the end
	g.wait(t)
	text, err := os.ReadFile(file)
	if err != nil || strings.Contains(string(text), first) || strings.Contains(string(text), second) {
		t.Fatalf("the file cannot be read (%v), or has a secret", err)
	}
	postgres.Kill()
	g = serve()
	for key, want := range map[string]int{first: http.StatusOK, second: http.StatusOK, unknown: http.StatusServiceUnavailable} {
		if got := g.lookWith(t, key); got != want {
			t.Errorf("without the database a key is answered with %d, want %d", got, want)
		}
	}
	if status, database := g.registryHealth(t); status != http.StatusOK || database != "DOWN" {
		t.Errorf("with the file the health is %d, and the database %s", status, database)
	}
	g.kill()
	if err := os.WriteFile(file, text[:len(text)/2], 0o600); err != nil {
		t.Fatal(err)
	}
	g = serve()
	if got := g.lookWith(t, first); got != http.StatusServiceUnavailable || !strings.Contains(g.stderr.String(), "is damaged") {
		t.Errorf("with a damaged file a key is answered with %d", got)
	}
	if status, _ := g.registryHealth(t); status != http.StatusServiceUnavailable {
		t.Errorf("with a damaged file the health is %d", status)
	}
	postgres.Restart(t)
	eventually(t, patience, "all is well", func() bool {
		return g.lookWith(t, first) == http.StatusOK && g.lookWith(t, unknown) == http.StatusUnauthorized
	})
	eventually(t, patience, "the file is written anew", func() bool {
		again, err := os.ReadFile(file)
		return err == nil && len(again) == len(text)
	})
}

// testLostCommit: where the answer to a commit is lost, the file with the secret stays, for the
// secret may be good, and that is said; where nothing was changed, no file stays.
func testLostCommit(t *testing.T, configs, url string) {
	t.Helper()
	db, err := sql.Open("pgx", url)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	run := func(statement string) {
		t.Helper()
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	run(`CREATE FUNCTION lose() RETURNS trigger AS $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$ LANGUAGE plpgsql`)
	run(`CREATE CONSTRAINT TRIGGER losing AFTER INSERT ON audit DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION lose()`)
	defer run(`DROP FUNCTION lose CASCADE`)
	for user, kept := range map[string]bool{"": false, "alice": true} {
		into := filepath.Join(t.TempDir(), "new.key")
		p := start(t, "key", "create", "--user", user, "--name", "x", "--config", configs, "--secret-file", into)
		code := p.wait(t)
		text, err := os.ReadFile(into)
		if code != 1 || kept != (err == nil) || kept != strings.Contains(p.stderr.String(), "may have been done") {
			t.Errorf("for %q it ends with %d, the file %v, and %s", user, code, err, p.stderr.String())
		}
		if kept && !strings.HasPrefix(string(text), "trl_") {
			t.Errorf("the file has %q", text)
		}
	}
	p := start(t, "key", "create", "--user", "alice", "--name", "x", "--config", configs)
	if code := p.wait(t); code != 1 || !strings.HasPrefix(p.stdout.String(), "trl_") {
		t.Errorf("without a file it ends with %d and tells %q", code, p.stdout.String())
	}
}

// TestCommandsWithoutDatabase: where no control database is configured, commands say what to set;
// where there is nothing in it yet, looking makes nothing.
func TestCommandsWithoutDatabase(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	services := "vllm: {services: {m: 'http://127.0.0.1:1'}}\n"
	none := folder(t, map[string]string{"application.yml": services})
	empty := folder(t, map[string]string{"application.yml": services + fmt.Sprintf("server: {data-directory: %q}\n", data)})
	for _, args := range [][]string{
		{"bootstrap"}, {"key", "create", "--user", "a", "--name", "b"}, {"key", "rotate", "c"}, {"key", "revoke", "c"},
		{"key", "list"}, {"audit", "list"}, {"audit", "verify"},
	} {
		p := start(t, append(args, "--config", none)...)
		if code := p.wait(t); code != 1 || !strings.Contains(p.stderr.String(), "set database.url") || !strings.Contains(p.stderr.String(), "server.data-directory") {
			t.Errorf("%v ends with %d and says %s", args, code, p.stderr.String())
		}
	}
	for _, args := range [][]string{{"key", "list"}, {"audit", "list"}, {"audit", "verify"}} {
		p := start(t, append(args, "--config", empty)...)
		if code := p.wait(t); code != 1 || !strings.Contains(p.stderr.String(), "bootstrap") {
			t.Errorf("%v ends with %d and says %s", args, code, p.stderr.String())
		}
	}
	if _, err := os.Stat(data); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("looking has made %s: %v", data, err)
	}
	cmd := command("key", "create", "--user", "a", "--name", "b", "--config", empty)
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer full.Close()
	var said strings.Builder
	cmd.Stdout, cmd.Stderr = full, &said
	if err := cmd.Run(); err == nil || !strings.Contains(said.String(), "key rotate") {
		t.Errorf("a secret that cannot be written: %v, %s", err, said.String())
	}
}

// TestKeysFromTheCommandLine: a key is created, rotated and revoked beside a running gateway,
// which follows; lists and the audit tell it and no secret; what cannot be done is said.
func TestKeysFromTheCommandLine(t *testing.T) {
	t.Parallel()
	_, server := newModelServer(t)
	configs := folder(t, map[string]string{"application.yml": fmt.Sprintf(
		"server: {address: '127.0.0.1:0', data-directory: %q}\nvllm: {services: {%s: %q}}\n", t.TempDir(), model, server)})
	p := start(t, "serve", "--config", configs)
	c := newClient(t, "http://"+p.address(t))
	run := func(want int, args ...string) (stdout, stderr string) {
		t.Helper()
		return runCommand(t, configs, want, args...)
	}
	known := func(key string, want int) {
		t.Helper()
		eventually(t, patience, fmt.Sprint("the answer ", want), func() bool { return c.lookWith(t, key) == want })
	}
	first, said := run(0, "key", "create", "--user", "alice", "--name", "laptop", "--role", "admin", "--reason", "she asked for it")
	id := strings.Fields(said)[2]
	known(first, http.StatusOK)
	second, _ := run(0, "key", "rotate", id, "--overlap", "1h")
	known(second, http.StatusOK)
	known(first, http.StatusOK)
	third, _ := run(0, "key", "rotate", id)
	known(third, http.StatusOK)
	for _, ended := range []string{first, second} {
		known(ended, http.StatusUnauthorized)
	}
	list, _ := run(0, "key", "list")
	if !strings.Contains(list, id) || !strings.Contains(list, "active") || !strings.Contains(list, "laptop") {
		t.Errorf("the list is %s", list)
	}
	run(0, "key", "revoke", id)
	known(third, http.StatusUnauthorized)
	if list, _ = run(0, "key", "list", "--user", "alice"); !strings.Contains(list, "revoked") {
		t.Errorf("the list is %s", list)
	}
	for form, want := range map[string]string{"json": `"state": "revoked"`, "yaml": "state: revoked\n"} {
		if text, _ := run(0, "key", "list", "-o", form); !strings.Contains(text, want) || !strings.Contains(text, id) {
			t.Errorf("as %s the list is %s", form, text)
		}
		if text, _ := run(0, "audit", "list", "--output", form); !strings.Contains(text, "she asked for it") {
			t.Errorf("as %s the audit is %s", form, text)
		}
	}
	audit, _ := run(0, "audit", "list", "--json")
	for _, want := range []string{"key.create", "key.rotate", "key.revoke", "she asked for it", id} {
		if !strings.Contains(audit, want) {
			t.Errorf("the audit lacks %s: %s", want, audit)
		}
	}
	if last, _ := run(0, "audit", "list", "--json", "--limit", "1"); !strings.Contains(last, "key.revoke") {
		t.Errorf("the last record is %s", last)
	}
	if firstOf, _ := run(0, "audit", "list", "--json", "--limit", "1", "--after", "0"); !strings.Contains(firstOf, "key.create") {
		t.Errorf("the first record is %s", firstOf)
	}
	for order, want := range map[string]string{"oldest": "1 2 3 4", "newest": "4 3 2 1", "newest --after 3": "2 1", "oldest --after 3": "4", "newest --after 0": ""} {
		text, _ := run(0, append([]string{"audit", "list", "--json", "--order"}, strings.Fields(order)...)...)
		var got []string
		for _, m := range regexp.MustCompile(`(?m)^\{"revision":(\d+),`).FindAllStringSubmatch(text, -1) {
			got = append(got, m[1])
		}
		if strings.Join(got, " ") != want {
			t.Errorf("--order %s prints %q, want %s", order, got, want)
		}
	}
	if verified, _ := run(0, "audit", "verify"); !strings.HasPrefix(verified, "4 records are as they were written; the sum of the last is ") {
		t.Errorf("the audit is %s", verified)
	}
	identified := func(want int, secret, says string) {
		t.Helper()
		p := &process{}
		p.cmd = command("key", "identify", "--config", configs)
		p.cmd.Stdin, p.cmd.Stdout, p.cmd.Stderr = strings.NewReader(secret+"\n"), &p.stdout, &p.stderr
		p.begin(t)
		code := p.wait(t)
		if all := p.stdout.String() + p.stderr.String(); code != want || !strings.Contains(all, says) || strings.Contains(all, secret) {
			t.Errorf("identify ends with %d and says %s, want %d and %s", code, all, want, says)
		}
	}
	identified(0, first, id+` "laptop" of "alice": the key is revoked`)
	identified(1, "trl_"+strings.Repeat("0", 43)+"000000", "mistyped")
	own := "0123456789abcdef0123456789abcdef-of-bob"
	hash, err := identity.HashKey(own)
	if err != nil {
		t.Fatal(err)
	}
	run(0, "key", "create", "--user", "bob", "--name", "own", "--role", "viewer", "--hash", hash)
	known(own, http.StatusOK)
	identified(0, own, `"own" of "bob": key revoke `)
	identified(1, own+"!", "nobody's")
	if list, _ = run(0, "key", "list", "--state", "active"); strings.Contains(list, "laptop") || !strings.Contains(list, "bob") {
		t.Errorf("the list of active keys is %s", list)
	}
	run(1, "key", "create", "--user", "bob", "--name", "own", "--hash", hash) // it is known
	for _, secret := range []string{first, second, third} {
		if strings.Contains(list+audit+p.stderr.String(), secret) {
			t.Error("a secret is told again")
		}
	}
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"key", "revoke", id}, "revoked"},
		{[]string{"key", "rotate", id}, "revoked"},
		{[]string{"key", "rotate", "01ARYZ6S410000000000000000"}, "no key with the id"},
		{[]string{"key", "create", "--user", "alice", "--name", "x", "--role", "root"}, "there are user, viewer, tenant-admin and admin"},
		{[]string{"key", "create", "--user", "", "--name", "x"}, "user is missing"},
		{[]string{"key", "create", "--user", "alice", "--name", "x", "--expires=-1h"}, "--expires is -1h0m0s"},
		{[]string{"key", "create", "--user", "alice", "--name", "x", "--expires=1ns"}, "which is over"},
		{[]string{"key", "create", "--user", "alice", "--name", "x", "--endpoint=chat"}, "is no endpoint"},
		{[]string{"key", "create", "--user", "alice", "--name", "x\x1b"}, "control character"},
		{[]string{"key", "create", "--user", "alice", "--name", "x", "--reason", "a\nb"}, "control character"},
	} {
		if _, said := run(1, tt.args...); !strings.Contains(said, tt.want) {
			t.Errorf("%v says %s, want %s", tt.args, said, tt.want)
		}
	}
}

// runCommand runs a command with a folder of configuration, wants how it ends, and returns what it
// has written.
func runCommand(t testing.TB, configs string, want int, args ...string) (stdout, stderr string) {
	t.Helper()
	p := start(t, append(args, "--config", configs)...)
	if code := p.wait(t); code != want {
		t.Fatalf("%v ended with %d: %s", args, code, p.stderr.String())
	}
	return strings.TrimSpace(p.stdout.String()), p.stderr.String()
}
