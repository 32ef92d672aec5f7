package e2e

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

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
	unknown := "0123456789abcdef0123456789abcdef"
	postgres.Kill()
	for _, g := range gateways {
		eventually(t, patience, "503 for a key that nobody knows", func() bool { return g.lookWith(t, unknown) == http.StatusServiceUnavailable })
		if status := g.lookWith(t, key); status != http.StatusOK {
			t.Errorf("without the database a known key is answered with %d", status)
		}
	}
	late := start(t, "serve", "--config", configs)
	if g := (&gateway{late, newClient(t, "http://"+late.address(t))}); g.lookWith(t, key) != http.StatusServiceUnavailable {
		t.Error("a gateway that starts without the database says that it knows all keys")
	} else {
		gateways = append(gateways, g)
	}
	postgres.Restart(t)
	for _, g := range gateways {
		eventually(t, patience, "all is well", func() bool {
			return g.lookWith(t, unknown) == http.StatusUnauthorized && g.lookWith(t, key) == http.StatusOK
		})
		if all := g.stderr.String(); strings.Contains(all, key) || strings.Contains(all, other) || strings.Contains(all, unknown) {
			t.Error("the log has a key")
		}
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
		p := start(t, append(args, "--config", configs)...)
		if code := p.wait(t); code != want {
			t.Fatalf("%v ended with %d: %s", args, code, p.stderr.String())
		}
		return strings.TrimSpace(p.stdout.String()), p.stderr.String()
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
	audit, _ := run(0, "audit", "list", "--json")
	for _, want := range []string{"key.create", "key.rotate", "key.revoke", "she asked for it", id} {
		if !strings.Contains(audit, want) {
			t.Errorf("the audit lacks %s: %s", want, audit)
		}
	}
	if verified, _ := run(0, "audit", "verify"); verified != "4 records are as they were written" {
		t.Errorf("the audit is %s", verified)
	}
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
	} {
		if _, said := run(1, tt.args...); !strings.Contains(said, tt.want) {
			t.Errorf("%v says %s, want %s", tt.args, said, tt.want)
		}
	}
}
