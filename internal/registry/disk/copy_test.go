package disk

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/token-rate-limiter/token-rate-limiter/internal/identity"
	"github.com/token-rate-limiter/token-rate-limiter/internal/registry"
)

// some is what a gateway may know.
func some() (known registry.Changes, secrets []string) {
	now := time.Date(2026, 11, 30, 12, 0, 0, 1000, time.UTC)
	known = registry.Changes{Whole: true, Revision: registry.Revision{Number: 7, Sum: registry.Sum{1, 2, 3}}}
	for i, user := range []string{"alice", "김민수", "a\"\n\u2028"} {
		old, secret := registry.NewSecret(), registry.NewSecret()
		secrets = append(secrets, old, secret)
		k := registry.Key{ID: registry.NewID(now), User: user, Roles: []identity.Role{identity.User, "of a later version"}, ActAs: i == 1}
		k.Secrets = []registry.Secret{{Hash: registry.HashOf(secret), Created: now}, {Hash: registry.HashOf(old), Created: now.Add(-time.Hour), Expires: now.Add(time.Hour)}}
		if i == 2 {
			k.Models, k.Endpoints, k.Expires = []string{"llama-*"}, []string{"of a later version"}, now.Add(time.Minute)
		}
		if i == 1 {
			k.Tenant = "acme"
		}
		known.Keys = append(known.Keys, k)
	}
	known.Tenants = []registry.Tenant{{Name: "acme", Disabled: true}}
	known.Users = []registry.User{{Name: "eve", Disabled: true}, {Tenant: "acme", Name: "김민수", Disabled: true}}
	known.Roles = []registry.Role{{Name: "reader", Permissions: []string{"usage:read"}, TenantPermissions: []string{"keys:read"}}}
	return known, secrets
}

// TestCopy: what was written last is read again, by the same gateway or the next one, and the file
// is ours alone and has no secret.
func TestCopy(t *testing.T) {
	now := time.Date(2026, 11, 30, 13, 0, 0, 0, time.UTC)
	c := Copy{Folder: filepath.Join(t.TempDir(), "data"), Database: "db:5432/control", Now: func() time.Time { return now }}
	if _, _, err := c.Read(); !errors.Is(err, ErrNone) {
		t.Errorf("nothing is read as %v", err)
	}
	if err := os.MkdirAll(c.Folder, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(c.path()+".new", []byte("left by one that died"), 0o644); err != nil {
		t.Fatal(err)
	}
	known, secrets := some()
	for _, want := range []registry.Changes{known, {Whole: true}, known} {
		now = now.Add(time.Second)
		if err := c.Write(want); err != nil {
			t.Fatal(err)
		}
		got, written, err := c.Read()
		if err != nil || !cmp.Equal(got, want) || !written.Equal(now) {
			t.Errorf("written at %v, %v: %s", written, err, cmp.Diff(want, got))
		}
	}
	files, err := os.ReadDir(c.Folder)
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	if info, err := files[0].Info(); err != nil || info.Mode() != 0o600 {
		t.Errorf("the file is %v, %v", info.Mode(), err)
	}
	text, err := os.ReadFile(c.path())
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range secrets {
		if bytes.Contains(text, []byte(s)) {
			t.Error("the file has a secret")
		}
	}
}

// TestDamage: a file of which any byte is another one, or missing, or that goes on, is not read,
// nor is one of another database or of another format. No error quotes a hash.
func TestDamage(t *testing.T) {
	c := Copy{Folder: t.TempDir(), Database: "db:5432/control"}
	known, _ := some()
	if err := c.Write(known); err != nil {
		t.Fatal(err)
	}
	good, err := os.ReadFile(c.path())
	if err != nil {
		t.Fatal(err)
	}
	refused := func(name string, text []byte) {
		t.Helper()
		got, _, err := c.read(bytes.NewReader(text))
		if err == nil || len(got.Keys) > 0 {
			t.Errorf("%s: %d keys are read, %v", name, len(got.Keys), err)
		} else if len(err.Error()) > 120 {
			t.Errorf("%s: the error is %v", name, err)
		}
	}
	for i := range good {
		other := bytes.Clone(good)
		other[i] ^= 1
		refused("another byte", other)
		if i < len(good)-1 {
			refused("cut off", good[:i])
		}
	}
	refused("more", append(bytes.Clone(good), good...))
	refused("a later format", bytes.Replace(good, []byte(`"version":2`), []byte(`"version":3`), 1))
	other := c
	other.Database = "db:5432/test"
	if _, _, err := other.Read(); err == nil {
		t.Error("the copy of another database is read")
	}
}

// FuzzRead: whatever is in the file, reading ends.
func FuzzRead(f *testing.F) {
	c := Copy{Folder: f.TempDir(), Database: "db:5432/control"}
	known, _ := some()
	if err := c.Write(known); err != nil {
		f.Fatal(err)
	}
	good, err := os.ReadFile(c.path())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte("{}\n{}\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if got, _, err := c.read(bytes.NewReader(text)); err == nil && !bytes.HasPrefix(text, good[:20]) {
			t.Errorf("%q is read as %+v", text, got)
		}
	})
}

// TestFullDisk: where nothing can be written, the copy of before stays.
func TestFullDisk(t *testing.T) {
	c := Copy{Folder: t.TempDir()}
	known, _ := some()
	if err := c.Write(known); err != nil {
		t.Fatal(err)
	}
	if err := c.write(fullDisk{}, known); err == nil {
		t.Error("what was not written is not noticed")
	}
	if err := os.Mkdir(c.path()+".new", 0o700); err != nil { // in the way, and not empty
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(c.path()+".new", "x"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := c.Write(registry.Changes{Whole: true}); err == nil {
		t.Error("what was not written is not noticed")
	}
	if got, _, err := c.Read(); err != nil || !cmp.Equal(got, known) {
		t.Errorf("the copy of before is gone: %v", err)
	}
}

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }

// TestEarlierFormat: a copy that an earlier version has written is read; nobody is disabled by it.
func TestEarlierFormat(t *testing.T) {
	lines := `{"version":1,"database":"` + Copy{}.name() + `","written_at":1,"revision":7,"sum":"","keys":1}
{"id":"1","user":"alice","roles":["user"],"act_as":false,"models":null,"endpoints":null,"expires_at":0,"secrets":[]}
`
	sum := sha256.Sum256([]byte(lines))
	known, _, err := Copy{}.read(strings.NewReader(lines + `{"sha256":"` + hex.EncodeToString(sum[:]) + `"}` + "\n"))
	if err != nil || len(known.Keys) != 1 || known.Keys[0].User != "alice" || known.Keys[0].Tenant != "" || len(known.Users) != 0 {
		t.Errorf("%+v, %v", known, err)
	}
}
