package app

import (
	"context"
	"crypto/tls"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/token-rate-limiter/token-rate-limiter/internal/certificate"
	"github.com/token-rate-limiter/token-rate-limiter/internal/config"
	"github.com/token-rate-limiter/token-rate-limiter/internal/descriptor"
	"github.com/token-rate-limiter/token-rate-limiter/internal/file"
	"github.com/token-rate-limiter/token-rate-limiter/internal/telemetry"
)

// CheckFiles reads the files that a configuration names, and returns what is
// wrong with those that a gateway could not use, for [config.Options.Check]. It
// quotes nothing of what they hold, and connects to nothing.
func CheckFiles(c *config.Config) []config.Finding {
	var f findings
	f.pair(c.Server.TLS.Certificate, c.Server.TLS.Key, "server", "tls")
	if c.Redis != nil && c.Redis.TLS.Enabled {
		f.roots(c.Redis.TLS.CAFile, "redis", "tls", "ca-file")
		f.pair(c.Redis.TLS.Certificate, c.Redis.TLS.Key, "redis", "tls")
	}
	for _, name := range slices.Sorted(maps.Keys(c.Services)) {
		f.roots(c.Services[name].CAFile, "vllm", "services", name, "ca-file")
	}
	for i, issuer := range c.Auth.JWT.Issuers {
		f.roots(issuer.CAFile, "auth", "jwt", "issuers", strconv.Itoa(i), "ca-file")
	}
	return f
}

// CheckVariables returns what is wrong with the variables that a gateway reads beside its
// configuration, which are those of OpenTelemetry. It connects to nothing.
func CheckVariables(ctx context.Context) error {
	tracer, err := telemetry.OpenTracer(ctx, "", func(error) {})
	if err != nil {
		return err
	}
	return tracer.Close(ctx)
}

// findings are what is wrong with files.
type findings []config.Finding

func (f *findings) add(setting []string, problem, remedy string) {
	*f = append(*f, config.Finding{Setting: setting, Problem: problem, Remedy: remedy})
}

// roots checks a file of authorities. "" is none.
func (f *findings) roots(name string, setting ...string) {
	if text, ok := f.read(name, setting); ok {
		if _, err := certificate.Roots(text); err != nil {
			f.add(setting, err.Error(),
				"write the name of a file with the certificates of authorities")
		}
	}
}

// pair checks the files of a certificate and its key, as far as they are named.
func (f *findings) pair(certificateFile, keyFile string, section ...string) {
	at := slices.Concat(section, []string{"certificate"})
	keyAt := slices.Concat(section, []string{"key"})
	text, known := f.read(certificateFile, at)
	if known && !certificate.HasCertificate(text) {
		f.add(at, certificate.ErrNone.Error(), "write the name of a file with the certificate, "+
			"followed by those that vouch for it")
		known = false
	}
	key, ok := f.read(keyFile, keyAt)
	switch {
	case !ok:
	case !certificate.HasKey(key):
		f.add(keyAt, "has no private key (PEM)",
			"write the name of the file with the key of the certificate")
	case known:
		if _, err := tls.X509KeyPair(text, key); err != nil {
			f.add(keyAt, "is not the key of "+strconv.Quote(certificateFile)+": "+
				strings.TrimPrefix(err.Error(), "tls: "),
				"write two files that belong together, the key without a passphrase")
		}
	}
}

// read returns what a file holds, and whether there is anything to look at.
func (f *findings) read(name string, setting []string) (text []byte, ok bool) {
	if name == "" {
		return nil, false
	}
	text, err := file.Read(name)
	if err == nil {
		return text, true
	}
	if descriptor.Exhausted(err) {
		return nil, false // nothing was seen; whoever needs it will say so
	}
	remedy := "write the name of a file that the user of the gateway can read"
	if errors.Is(err, fs.ErrNotExist) {
		remedy = "create it, or write the name of another file"
		if folder, err := os.Getwd(); err == nil && !filepath.IsAbs(name) {
			remedy += ", as seen from " + folder
		}
	}
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		err = e.Err // the name is told anyway
	}
	f.add(setting, "cannot be read: "+err.Error(), remedy)
	return nil, false
}
