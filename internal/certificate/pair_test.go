package certificate

import (
	"crypto/tls"
	"log/slog"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/internal/tlstest"
)

// shown is a certificate whose serial number and log are looked at.
type shown struct {
	*Pair
	log *strings.Builder
}

func openShown(t *testing.T, files Files) shown {
	t.Helper()
	b := &strings.Builder{}
	c, err := Open(files, slog.New(slog.NewTextHandler(b, nil)))
	if err != nil {
		t.Fatal(err)
	}
	return shown{c, b}
}

// serial returns the number of the certificate that clients are shown.
func (s shown) serial(t *testing.T) *big.Int {
	t.Helper()
	c, err := s.Get(&tls.ClientHelloInfo{})
	if err != nil {
		t.Fatal(err)
	}
	return c.Leaf.SerialNumber
}

// said returns how many lines hold a text.
func (s shown) said(text string) int { return strings.Count(s.log.String(), text) }

func files(p tlstest.Pair) Files {
	return Files{Section: "server.tls", Certificate: p.Certificate, Key: p.Key}
}

func read(t *testing.T, file string) string {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func overwrite(t *testing.T, file, content string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestCertificateFollowsItsFiles: what is right is taken over at the next look;
// what is wrong changes nothing, is told once, and only when it stays.
func TestCertificateFollowsItsFiles(t *testing.T) {
	p := tlstest.New(t)
	c := openShown(t, files(p))
	first := c.serial(t)
	c.look()
	if c.log.Len() > 0 {
		t.Errorf("nothing has changed: %s", c.log)
	}

	second := p.Renew(t)
	c.look()
	if c.serial(t).Cmp(second) != 0 || c.said("the certificate has changed") != 1 {
		t.Errorf("after a change: %s", c.log)
	}

	other := tlstest.New(t)
	overwrite(t, p.Certificate, read(t, other.Certificate)) // the key of which comes later
	c.look()
	if c.said("cannot be used") != 0 {
		t.Errorf("half a change is told: %s", c.log)
	}
	overwrite(t, p.Key, read(t, other.Key))
	c.look()
	if c.serial(t).Cmp(other.Serial(t)) != 0 {
		t.Error("the second half was not seen")
	}

	for name, spoil := range map[string]func(){
		"another key": func() { overwrite(t, p.Key, read(t, tlstest.New(t).Key)) },
		"no PEM":      func() { overwrite(t, p.Certificate, "nothing") },
		"no file":     func() { os.Remove(p.Key) },
	} {
		before, told := c.serial(t), c.said("cannot be used")
		spoil()
		for range 4 {
			c.look()
		}
		if c.serial(t).Cmp(before) != 0 || c.said("cannot be used") != told+1 {
			t.Errorf("%s: told %d times: %s", name, c.said("cannot be used")-told, c.log)
		}
		third := p.Renew(t)
		c.look()
		if c.serial(t).Cmp(third) != 0 {
			t.Errorf("%s: what is right again is not taken over", name)
		}
	}
	if first.Cmp(second) == 0 {
		t.Error("the test's certificates are the same")
	}
}

// TestCertificateOfKubernetes: a mounted secret is a symbolic link to a folder,
// which is swapped for another one.
func TestCertificateOfKubernetes(t *testing.T) {
	dir := t.TempDir()
	before, after := tlstest.New(t), tlstest.New(t)
	swap := func(to string) {
		next := filepath.Join(dir, "..data_tmp")
		if err := os.Symlink(to, next); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(next, filepath.Join(dir, "..data")); err != nil {
			t.Fatal(err)
		}
	}
	swap(filepath.Dir(before.Certificate))
	for _, name := range []string{"tls.crt", "tls.key"} {
		if err := os.Symlink(filepath.Join("..data", name), filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	c := openShown(t, Files{Certificate: filepath.Join(dir, "tls.crt"), Key: filepath.Join(dir, "tls.key")})
	if c.serial(t).Cmp(before.Serial(t)) != 0 {
		t.Fatal("not the first")
	}
	swap(filepath.Dir(after.Certificate))
	c.look()
	if c.serial(t).Cmp(after.Serial(t)) != 0 || c.said("cannot be used") != 0 {
		t.Errorf("not the second: %s", c.log)
	}
}

// TestWrongPairAtTheStart: the error names the setting and the file.
func TestWrongPairAtTheStart(t *testing.T) {
	a, b := tlstest.New(t), tlstest.New(t)
	for want, files := range map[string]Files{
		"server.tls.certificate: stat /none/a.pem: ":                                           {Section: "server.tls", Certificate: "/none/a.pem", Key: a.Key},
		"server.tls.key: stat /none/b.pem: ":                                                   {Section: "server.tls", Certificate: a.Certificate, Key: "/none/b.pem"},
		"server.tls: " + a.Certificate + " and " + b.Key + " are no certificate and its key: ": {Section: "server.tls", Certificate: a.Certificate, Key: b.Key},
	} {
		_, err := Open(files, slog.New(slog.DiscardHandler))
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%v, want %s...", err, want)
		}
	}
}
