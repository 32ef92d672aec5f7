package script_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestCopyIsVerified: a copy has what the server has, is readable by its owner only, and one that has changed, or
// is no copy, is told.
func TestCopyIsVerified(t *testing.T) {
	redis := startRedis(t)
	for i := range 50 {
		redis.ask(t, "hset", fmt.Sprintf("token:usage:{m}:user%d", i), "a", "1")
	}
	redis.ask(t, "hset", "token:usage:{m}:two\nlines", "a", "1")
	redis.ask(t, "set", "foreign", "1")
	folder := filepath.Join(t.TempDir(), "a folder")
	file := redis.copyTo(t, folder)
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("others may read the copy: %v (%v)", info.Mode(), err)
	}
	if out, code := redis.backup(t, "--verify", file); code != 0 || !strings.Contains(out, "51 keys of gateways") {
		t.Errorf("%d: %s", code, out)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)/2] ^= 1
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, code := redis.backup(t, "--verify", file); code != 1 || !strings.Contains(out, "is not what was copied") {
		t.Errorf("a copy that has changed: %d: %s", code, out)
	}
	if err := os.Remove(file + ".sha256"); err != nil {
		t.Fatal(err)
	}
	if out, code := redis.backup(t, "--verify", file); code != 1 || !strings.Contains(out, "cannot be loaded") {
		t.Errorf("one that has changed, without its sum: %d: %s", code, out)
	}
	leftNothing(t, folder)
}

// TestCopiesThatCannotBeMade leave nothing behind and say why.
func TestCopiesThatCannotBeMade(t *testing.T) {
	redis := startRedis(t)
	folder := t.TempDir()
	for _, c := range []struct {
		name, want string
		arguments  []string
	}{
		{"nobody listens", "does not answer", []string{"--port", "1"}},
		{"the user is not known", "does not answer", []string{"--user", "nobody"}},
		{"the file of the password is missing", "cannot be read", []string{"--password-file", "no/such/file"}},
		{"TLS is not spoken", "does not answer", []string{"--tls"}},
	} {
		out, code := redis.backup(t, append([]string{"--directory", folder}, c.arguments...)...)
		if code != 1 || !strings.Contains(out, c.want) {
			t.Errorf("%s: %d: %s", c.name, code, out)
		}
		if strings.Contains(out, password) {
			t.Errorf("%s: the password is told: %s", c.name, out)
		}
	}
	redis.ask(t, "acl", "setuser", "default", "-sync", "-psync")
	if out, code := redis.backup(t, "--directory", folder); code != 1 || !strings.Contains(out, "gives no copy") {
		t.Errorf("a server that gives no copy: %d: %s", code, out)
	}
	leftNothing(t, folder)
	if all := copies(t, folder); len(all) > 0 {
		t.Errorf("there are copies: %v", all)
	}
}

// leftNothing wants no half of a copy in a folder.
func leftNothing(t *testing.T, folder string) {
	t.Helper()
	if parts, err := filepath.Glob(filepath.Join(folder, ".*part*")); err != nil || len(parts) > 0 {
		t.Errorf("halves of copies are left: %v (%v)", parts, err)
	}
}

// TestRetention: old copies go, with their sums, and nothing else of the folder.
func TestRetention(t *testing.T) {
	redis := startRedis(t)
	folder := t.TempDir()
	for _, name := range []string{
		"token-usage-20200101T000000Z.rdb", "token-usage-20200101T000000Z.rdb.sha256",
		"token-usage-20210101T000000Z.rdb", "token-usage-20210101T000000Z.rdb.sha256",
		"token-usage-of-mine.rdb", "dump.rdb",
	} {
		if err := os.WriteFile(filepath.Join(folder, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	redis.copyTo(t, folder, "--keep", "0")
	if n := len(copies(t, folder)); n != 3 {
		t.Errorf("--keep 0 has left %d of 3", n)
	}
	newest := redis.copyTo(t, folder, "--keep", "2")
	all := copies(t, folder)
	if len(all) != 2 || all[1] != newest || strings.Contains(strings.Join(all, " "), "T000000Z") {
		t.Errorf("the newest two are to be kept, and there are %v", all)
	}
	for name, want := range map[string]bool{
		"token-usage-20200101T000000Z.rdb.sha256": false, "token-usage-of-mine.rdb": true, "dump.rdb": true,
	} {
		if _, err := os.Stat(filepath.Join(folder, name)); (err == nil) != want {
			t.Errorf("%s is there: %v", name, err == nil)
		}
	}
	// A copy that fails removes nothing.
	if out, code := redis.backup(t, "--directory", folder, "--keep", "1", "--port", "1"); code != 1 || len(copies(t, folder)) != 2 {
		t.Errorf("%d: %s; there are %v", code, out, copies(t, folder))
	}
}
