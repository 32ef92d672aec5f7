package app

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/token-rate-limiter/token-rate-limiter/internal/config"
	"github.com/token-rate-limiter/token-rate-limiter/internal/descriptor"
)

// certificateInterval is how often the files of a certificate are looked at. They
// are read whole: a time of change says nothing where a symbolic link is swapped,
// as Kubernetes does, or where a file keeps the time of its origin.
const certificateInterval = time.Second

// certificate is the pair that the listener shows to clients. It follows its
// files; a pair that is wrong changes nothing. get is safe for concurrent use,
// everything else is for one goroutine.
type certificate struct {
	files   config.ServerTLS
	log     *slog.Logger
	current atomic.Pointer[tls.Certificate]
	known   sight // what was taken over, or told to be wrong
	doubted sight // what was wrong at the last look, and may be half of a change
}

// sight is what a look at the files has found.
type sight struct {
	certificate, key []byte
	problem          string // "" for a pair that can be used
}

func (s sight) is(t sight) bool {
	return s.problem == t.problem && bytes.Equal(s.certificate, t.certificate) && bytes.Equal(s.key, t.key)
}

// openCertificate reads the pair that the configuration names. The result is nil
// where it names none.
func openCertificate(files config.ServerTLS, log *slog.Logger, r prometheus.Registerer) (*certificate, error) {
	if !files.Enabled() {
		return nil, nil
	}
	c := &certificate{files: files, log: log}
	found, pair, err := lookAt(serverTLS, files.Certificate, files.Key)
	if err != nil {
		return nil, err
	}
	c.take(found, pair)
	r.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "server_certificate_expiry_timestamp_seconds",
		Help: "When the certificate of the listener for clients expires, in seconds since 1970.",
	}, func() float64 { return float64(c.current.Load().Leaf.NotAfter.Unix()) }))
	return c, nil
}

// serverTLS is the section of the listener's certificate.
const serverTLS = "server.tls"

// lookAt reads the files of a certificate and its key, which a section of the
// configuration names, and returns the pair that they are.
func lookAt(section, certificateFile, keyFile string) (found sight, pair tls.Certificate, err error) {
	defer func() {
		if err != nil {
			found.problem = err.Error()
		}
	}()
	if found.certificate, err = readFile(certificateFile); err != nil {
		return found, pair, fmt.Errorf("%s.certificate: %w", section, err)
	}
	if found.key, err = readFile(keyFile); err != nil {
		return found, pair, fmt.Errorf("%s.key: %w", section, err)
	}
	if pair, err = tls.X509KeyPair(found.certificate, found.key); err != nil {
		err = fmt.Errorf("%s: %s and %s are no certificate and its key: %w", section, certificateFile, keyFile, err)
	}
	return found, pair, err
}

// get is for tls.Config.
func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	return c.current.Load(), nil
}

// take makes a pair the one that clients are shown.
func (c *certificate) take(found sight, pair tls.Certificate) {
	c.current.Store(&pair)
	c.known, c.doubted = found, sight{}
	if time.Now().After(pair.Leaf.NotAfter) {
		c.log.Warn("the certificate has expired, and clients will refuse it",
			"certificate", c.files.Certificate, "expired", pair.Leaf.NotAfter)
	}
}

// watch follows the files until ctx ends.
func (c *certificate) watch(ctx context.Context) {
	tick := time.NewTicker(certificateInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			c.look()
		}
	}
}

// look takes over what has changed in the files. Something wrong is believed
// when it is there a second time: two files are not replaced in one moment.
func (c *certificate) look() {
	found, pair, err := lookAt(serverTLS, c.files.Certificate, c.files.Key)
	switch {
	case descriptor.Exhausted(err): // nothing was seen
	case found.is(c.known):
		c.doubted = sight{}
	case err == nil:
		c.take(found, pair)
		c.log.Info("the certificate has changed", "certificate", c.files.Certificate, "expires", pair.Leaf.NotAfter)
	case !found.is(c.doubted):
		c.doubted = found
	default:
		c.known = found
		c.log.Error("the certificate has changed and cannot be used; the one before stays", "error", err)
	}
}
