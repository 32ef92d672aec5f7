package script_test

import (
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestRestore: what users have used is after a restore what it was when the copy was made, and limits hold
// by it. While a gateway runs nothing is changed.
func TestRestore(t *testing.T) {
	redis := startRedis(t)
	first := startGateway(t, redis)
	for range 30 {
		if first.chat(t, aliceKey, 200) == http.StatusTooManyRequests {
			break
		}
	}
	first.chat(t, bobKey, 50)
	before := first.books(t)
	if before["alice day"] < 2000 || before["bob day"] == 0 {
		t.Fatalf("too little was used: %v", before)
	}
	folder := t.TempDir()
	file := redis.copyTo(t, folder) // with the gateway running

	for range 5 {
		first.chat(t, bobKey, 200)
	}
	redis.ask(t, "set", "foreign", "kept")
	redis.ask(t, "-n", "3", "set", "other", "kept")
	later := first.books(t)
	if maps.Equal(later, before) {
		t.Fatal("nothing was used after the copy")
	}
	out, code := redis.backup(t, "--directory", folder, "--restore", file)
	if code != 1 || !strings.Contains(out, "gateways are connected") || !strings.Contains(out, "127.0.0.1:") {
		t.Errorf("with a gateway: %d: %s", code, out)
	}
	if got := first.books(t); !maps.Equal(got, later) || len(copies(t, folder)) != 1 {
		t.Errorf("the restore that was refused has changed %v to %v", later, got)
	}

	first.process.Stop(t)
	if out, code := redis.backup(t, "--directory", folder, "--restore", file); code != 0 {
		t.Fatalf("%d: %s", code, out)
	}
	second := startGateway(t, redis)
	if got := second.books(t); !maps.Equal(got, before) {
		t.Errorf("after the restore the books are %v, and were %v", got, before)
	}
	if status := second.chat(t, aliceKey, 900); status != http.StatusTooManyRequests {
		t.Errorf("alice had used up her hour, and gets %d", status)
	}
	if status := second.chat(t, bobKey, 50); status != http.StatusOK {
		t.Errorf("bob gets %d", status)
	}
	for _, line := range [][]string{{"get", "foreign"}, {"-n", "3", "get", "other"}} {
		if got := redis.ask(t, line...); got != "kept" {
			t.Errorf("%v: %s", line, got)
		}
	}

	// What was there before the restore is in a copy too.
	second.process.Stop(t)
	safety := copies(t, folder)
	if len(safety) != 2 {
		t.Fatalf("there are the copies %v", safety)
	}
	redis.ask(t, "flushall") // a lost volume
	if out, code := redis.backup(t, "--directory", folder, "--restore", safety[1]); code != 0 {
		t.Fatalf("%d: %s", code, out)
	}
	if got := startGateway(t, redis).books(t); !maps.Equal(got, later) {
		t.Errorf("the copy before the restore has %v, and there was %v", got, later)
	}
}

// TestRestoreIsAllOrNothing: a server without room for the copy keeps what it has.
func TestRestoreIsAllOrNothing(t *testing.T) {
	large := startRedis(t)
	large.ask(t, "eval", "for i = 1, 2000 do redis.call('hset', 'token:usage:{m}:' .. i, 'a', string.rep('x', 2000)) end", "0")
	file := large.copyTo(t, t.TempDir())

	small := startRedis(t)
	small.ask(t, "hset", "token:usage:{m}:alice", "a", "1")
	small.ask(t, "config", "set", "maxmemory", "3mb") // room for half of it
	out, code := small.backup(t, "--directory", t.TempDir(), "--restore", file)
	if code != 1 || !strings.Contains(out, "does not take the copy") {
		t.Errorf("%d: %s", code, out)
	}
	small.ask(t, "config", "set", "maxmemory", "0")
	if got := small.ask(t, "keys", "*"); got != "token:usage:{m}:alice" {
		t.Errorf("there is now %.200q", got)
	}
	small.ask(t, "hset", "token-restore:token:usage:{m}:carol", "a", "1") // of one that was interrupted
	if out, code := small.backup(t, "--directory", t.TempDir(), "--restore", file); code != 0 || !strings.Contains(out, "2000 keys") {
		t.Errorf("with room: %d: %s", code, out)
	}
	for _, key := range []string{"token:usage:{m}:alice", "token:usage:{m}:carol"} {
		if got := small.ask(t, "exists", key); got != "0" {
			t.Errorf("%s is there, which the copy does not have", key)
		}
	}
	if got := small.ask(t, "dbsize"); got != "2000" {
		t.Errorf("there are %s keys", got)
	}
	empty := startRedis(t).copyTo(t, t.TempDir())
	if out, code := small.backup(t, "--directory", t.TempDir(), "--restore", empty); code != 1 || !strings.Contains(out, "nothing of gateways") {
		t.Errorf("a copy of nothing: %d: %s", code, out)
	}
}

// TestRestoreOfAnotherDatabase keeps to the database of the gateways, over TLS and with the password in a file.
func TestRestoreOfAnotherDatabase(t *testing.T) {
	redis, authority := startTLSRedis(t)
	secret := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(secret, []byte(password+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	flags := []string{"--tls", "--ca-file", authority, "--database", "7", "--password-file", secret, "--directory", t.TempDir()}
	redis.ask(t, "-n", "7", "hset", "token:usage:{m}:alice", "a", "1")
	redis.ask(t, "-n", "7", "pexpire", "token:usage:{m}:alice", "100000000")
	redis.ask(t, "hset", "token:usage:{m}:of-another-gateway", "a", "1")
	file := redis.copyTo(t, t.TempDir(), flags[:len(flags)-2]...)
	redis.ask(t, "-n", "7", "hset", "token:usage:{m}:alice", "a", "2")
	redis.ask(t, "-n", "7", "hset", "token:usage:{m}:bob", "a", "2")
	redis.ask(t, "hset", "token:usage:{m}:of-another-gateway", "a", "2")
	if out, code := redis.backup(t, append(flags, "--restore", file)...); code != 0 || !strings.Contains(out, "1 keys") {
		t.Fatalf("%d: %s", code, out)
	}
	for _, c := range []struct {
		want string
		line []string
	}{
		{"1", []string{"-n", "7", "hget", "token:usage:{m}:alice", "a"}},
		{"1", []string{"-n", "7", "dbsize"}},
		{"2", []string{"hget", "token:usage:{m}:of-another-gateway", "a"}},
	} {
		if got := redis.ask(t, c.line...); got != c.want {
			t.Errorf("%v: %s instead of %s", c.line, got, c.want)
		}
	}
	if ttl := redis.ask(t, "-n", "7", "pttl", "token:usage:{m}:alice"); len(ttl) != len("99999999") {
		t.Errorf("the account expires in %s ms", ttl)
	}
}

// TestWithoutPassword: a server that asks for none, such as that of the manifests before its Secret is set.
func TestWithoutPassword(t *testing.T) {
	redis := startRedis(t)
	redis.ask(t, "hset", "token:usage:{m}:alice", "a", "1")
	redis.ask(t, "config", "set", "requirepass", "")
	folder := t.TempDir()
	for _, arguments := range [][]string{nil, {"--restore", "newest"}} {
		if arguments != nil {
			arguments[1] = copies(t, folder)[0]
		}
		variables := []string{"REDIS_HOST=127.0.0.1", "REDIS_PORT=" + redis.port, "REDIS_PASSWORD=", "REDISCLI_AUTH=of another server"}
		out, code := run(t, variables, "scripts/backup-redis.sh", append([]string{"--directory", folder}, arguments...)...)
		if code != 0 || !strings.Contains(out, "1 keys of gateways") {
			t.Errorf("%v: %d: %s", arguments, code, out)
		}
	}
}
