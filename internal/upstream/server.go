package upstream

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/httpsyntax"
)

// Defaults of [Options].
const (
	DefaultConnectTimeout = 2 * time.Second
	// DefaultIdleTimeout is below the 5 s after which uvicorn, the HTTP server
	// of vLLM, closes an idle connection (its timeout_keep_alive).
	DefaultIdleTimeout = 4 * time.Second
	DefaultMaxIdle     = 1024
	// DefaultCheckInterval is how soon a server that is hung, or ill, is noticed
	// that nobody asks anything.
	DefaultCheckInterval = 5 * time.Second
)

// Options describe one model server and how to talk to it.
type Options struct {
	// URL is http or https, with an optional base path that every request's
	// path is appended to. Required; no user, query or fragment.
	URL *url.URL
	// RootCAs are trusted to vouch for an https server; nil means the system's.
	RootCAs *x509.CertPool
	// APIKey, if not empty, is sent as the bearer token of every request.
	APIKey string
	// ConnectTimeout bounds making a connection, TLS included.
	// Zero means DefaultConnectTimeout.
	ConnectTimeout time.Duration
	// IdleTimeout is the longest time that a connection is kept unused.
	// Zero means DefaultIdleTimeout; it must be below the server's own.
	IdleTimeout time.Duration
	// MaxIdle bounds the unused connections kept. Zero means DefaultMaxIdle.
	MaxIdle int
	// Dial makes the TCP connections; nil means net.Dialer.DialContext.
	Dial    func(ctx context.Context, network, address string) (net.Conn, error)
	Breaker BreakerOptions
	// CheckInterval is how often Watch asks the server whether it is well.
	// Zero means DefaultCheckInterval.
	CheckInterval time.Duration
	// Changed, if not nil, is called after the server's standing has changed. It
	// may be called concurrently, and must not call the server.
	Changed func(Standing)
	// Listed, if not nil, is called by Watch after what the server says of its models has
	// changed: see [Server.Lacks]. It must not call the server.
	Listed func()
}

// Server is a model server: the connections to it, and what is known of how it
// does. It starts no goroutine of its own, and refuses nobody: whether to ask it
// is for a [Pool] to decide. Use New; its methods may be called concurrently.
type Server struct {
	address string // host:port
	name    string // the address and the base path
	prefix  string // base path without a trailing slash
	fields  string // the header fields that every request carries
	connect time.Duration
	tls     *tls.Config // nil: clear text
	dialRaw func(ctx context.Context, network, address string) (net.Conn, error)
	kept    kept

	running  atomic.Int64  // requests whose answer has not ended
	breaker  breaker       // of requests of no model, and of whether it is away
	silences atomic.Int32  // checks that were not answered, since it answered anything
	every    time.Duration // between two checks
	asking   sync.Mutex
	asked    *question             // whether it is well, on its way; nil: none is
	cause    atomic.Pointer[error] // why the server is away; nil, or to nil: it is not
	alarm    chan struct{}         // wakes Watch when the server has gone away
	changed  func(Standing)
	list     atomic.Pointer[modelList] // nil: nobody has looked since it was away
	listed   func()

	mu       sync.Mutex
	breakers map[string]*breaker // by model, for good: names come from the configuration
}

// New returns a server without opening a connection. It fails where the URL or
// the API key could not be sent.
func New(o Options) (*Server, error) {
	if err := checkURL(o.URL); err != nil {
		return nil, err
	}
	if !httpsyntax.ValidValue(o.APIKey) {
		return nil, errors.New("the API key of a model server has a character that a header cannot carry; remove line breaks and control characters")
	}
	s := &Server{
		address: addressOf(o.URL),
		prefix:  strings.TrimRight(o.URL.EscapedPath(), "/"),
		fields:  commonFields(o.URL.Host, o.APIKey),
		connect: orDefault(o.ConnectTimeout, DefaultConnectTimeout),
		dialRaw: o.Dial,
		alarm:   make(chan struct{}, 1),
		changed: o.Changed,
		listed:  o.Listed,
		breaker: breaker{options: o.Breaker.withDefaults()},
		every:   orDefault(o.CheckInterval, DefaultCheckInterval),
	}
	s.kept.max = orDefault(o.MaxIdle, DefaultMaxIdle)
	s.kept.timeout = orDefault(o.IdleTimeout, DefaultIdleTimeout)
	s.name = s.address + s.prefix
	if s.dialRaw == nil {
		s.dialRaw = new(net.Dialer).DialContext
	}
	if o.URL.Scheme == "https" {
		s.tls = tlsConfig(o.URL.Hostname(), o.RootCAs)
	}
	return s, nil
}

func orDefault[T int | time.Duration](value, otherwise T) T {
	if value == 0 {
		return otherwise
	}
	return value
}

func checkURL(u *url.URL) error {
	switch {
	case u == nil:
		return errors.New("a model server needs a URL, such as http://host:8000")
	case u.Scheme != "http" && u.Scheme != "https":
		return fmt.Errorf("model server %s: the scheme must be http or https", u.Redacted())
	case u.Hostname() == "" || !httpsyntax.ValidHost(u.Host):
		return fmt.Errorf("model server %s: the host is missing or has characters that a header cannot carry", u.Redacted())
	case u.User != nil:
		return fmt.Errorf("model server %s: a URL must not hold credentials; use api-key", u.Redacted())
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return fmt.Errorf("model server %s: a query or fragment has no meaning here", u.Redacted())
	}
	return nil
}

func addressOf(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return net.JoinHostPort(u.Hostname(), port)
}

// breakerOf returns the breaker of a model that the server serves; "" is no model.
func (s *Server) breakerOf(model string) *breaker {
	if model == "" {
		return &s.breaker
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.breakers[model]
	if b != nil {
		return b
	}
	b = &breaker{options: s.breaker.options, model: model}
	if s.breaker.isAway() {
		b.found(time.Now(), false)
	}
	if s.breakers == nil {
		s.breakers = map[string]*breaker{}
	}
	s.breakers[model] = b
	return b
}

// found notes for all models whether the server was there when somebody looked, and
// reports whether that is news.
func (s *Server) found(there bool) (news bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	for _, b := range s.breakers {
		b.found(now, there)
	}
	return s.breaker.found(now, there)
}

// Address returns the host and port that connections are made to.
func (s *Server) Address() string { return s.address }

// Name tells the server apart from others, for people and metrics: its host and
// port, and its base path if it has one.
func (s *Server) Name() string { return s.name }

// Close closes the unused connections and refuses new requests with
// [ErrServerClosed]. Running exchanges go on to their end, where their
// connections are closed. It may be called more than once.
func (s *Server) Close() { s.kept.shut() }
