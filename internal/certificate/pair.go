package certificate

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/descriptor"
	"github.com/token-rate-limiter/token-rate-limiter/internal/file"
)

// lookInterval is how often the files of a pair are looked at. They are read whole: where a
// symbolic link is swapped, as Kubernetes does, a time of change says nothing.
const lookInterval = time.Second

// Pair is a certificate with its key, as a listener shows it to clients. What is wrong in its files
// changes nothing. Get and Expires are safe for concurrent use, Follow is for one goroutine.
type Pair struct {
	files   Files
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
	return s.problem == t.problem &&
		bytes.Equal(s.certificate, t.certificate) && bytes.Equal(s.key, t.key)
}

// Files are those of a pair, and the section of the configuration that names them.
type Files struct{ Section, Certificate, Key string }

// Open reads a pair. Changes of it are told to log.
func Open(files Files, log *slog.Logger) (*Pair, error) {
	p := &Pair{files: files, log: log}
	found, pair, err := files.look()
	if err != nil {
		return nil, err
	}
	p.take(found, pair)
	return p, nil
}

// Load reads a pair once. Its errors name the setting and the file.
func (f Files) Load() (tls.Certificate, error) {
	_, pair, err := f.look()
	return pair, err
}

// look reads the files, and returns the pair that they are.
func (f Files) look() (found sight, pair tls.Certificate, err error) {
	defer func() {
		if err != nil {
			found.problem = err.Error()
		}
	}()
	if found.certificate, err = file.Read(f.Certificate); err != nil {
		return found, pair, fmt.Errorf("%s.certificate: %w", f.Section, err)
	}
	if found.key, err = file.Read(f.Key); err != nil {
		return found, pair, fmt.Errorf("%s.key: %w", f.Section, err)
	}
	if pair, err = tls.X509KeyPair(found.certificate, found.key); err != nil {
		err = fmt.Errorf("%s: %s and %s are no certificate and its key: %w",
			f.Section, f.Certificate, f.Key, err)
	}
	return found, pair, err
}

// Expires returns when the certificate that clients are shown does.
func (p *Pair) Expires() time.Time { return p.current.Load().Leaf.NotAfter }

// Get is for tls.Config.
func (p *Pair) Get(*tls.ClientHelloInfo) (*tls.Certificate, error) { return p.current.Load(), nil }

// take makes a pair the one that clients are shown.
func (p *Pair) take(found sight, pair tls.Certificate) {
	p.current.Store(&pair)
	p.known, p.doubted = found, sight{}
	if time.Now().After(pair.Leaf.NotAfter) {
		p.log.Warn("the certificate has expired, and clients will refuse it",
			"certificate", p.files.Certificate, "expired", pair.Leaf.NotAfter)
	}
}

// Follow takes over what changes in the files, until ctx ends.
func (p *Pair) Follow(ctx context.Context) {
	tick := time.NewTicker(lookInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			p.look()
		}
	}
}

// look takes over what has changed in the files. Something wrong is believed
// when it is there a second time: two files are not replaced in one moment.
func (p *Pair) look() {
	found, pair, err := p.files.look()
	switch {
	case descriptor.Exhausted(err): // nothing was seen
	case found.is(p.known):
		p.doubted = sight{}
	case err == nil:
		p.take(found, pair)
		p.log.Info("the certificate has changed",
			"certificate", p.files.Certificate, "expires", pair.Leaf.NotAfter)
	case !found.is(p.doubted):
		p.doubted = found
	default:
		p.known = found
		p.log.Error("the certificate has changed and cannot be used; the one before stays",
			"error", err)
	}
}
