package upstream

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Defaults of [Options].
const (
	DefaultConnectTimeout = 2 * time.Second
	// DefaultIdleTimeout is below the 5 s after which uvicorn, the HTTP server
	// of vLLM, closes an idle connection (its timeout_keep_alive).
	DefaultIdleTimeout = 4 * time.Second
	DefaultMaxIdle     = 1024
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
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// Server is a model server and the connections to it. It starts no goroutine
// of its own. Use New; its methods may be called concurrently.
type Server struct {
	address string // host:port
	prefix  string // base path without a trailing slash
	fields  string // the header fields that every request carries
	connect time.Duration
	tls     *tls.Config // nil: clear text
	dialRaw func(ctx context.Context, network, address string) (net.Conn, error)
	pool    pool
}

// New returns a server without opening a connection. It fails where the URL or
// the API key could not be sent.
func New(o Options) (*Server, error) {
	if err := checkURL(o.URL); err != nil {
		return nil, err
	}
	if !validValue(o.APIKey) {
		return nil, errors.New("the API key of a model server has a character that a header cannot carry; remove line breaks and control characters")
	}
	s := &Server{
		address: addressOf(o.URL),
		prefix:  strings.TrimRight(o.URL.EscapedPath(), "/"),
		fields:  commonFields(o.URL.Host, o.APIKey),
		connect: orDefault(o.ConnectTimeout, DefaultConnectTimeout),
		dialRaw: o.Dial,
	}
	s.pool.max = orDefault(o.MaxIdle, DefaultMaxIdle)
	s.pool.timeout = orDefault(o.IdleTimeout, DefaultIdleTimeout)
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
	case u.Hostname() == "" || !validHost(u.Host):
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

// Address returns the host and port that connections are made to.
func (s *Server) Address() string { return s.address }

// Idle returns the number of unused connections that are being kept.
func (s *Server) Idle() int { return s.pool.len() }

// CloseIdle closes the unused connections. Running exchanges are not touched.
func (s *Server) CloseIdle() { s.pool.clear() }

// Close closes the unused connections and refuses new requests with
// [ErrServerClosed]. Running exchanges go on to their end, where their
// connections are closed. It may be called more than once.
func (s *Server) Close() { s.pool.shut() }

// StatusError is a health check that was answered, but not with 200.
type StatusError struct {
	Address string
	Status  int
}

// Error names the server and the status.
func (e *StatusError) Error() string {
	return fmt.Sprintf("model server %s: GET /health answered %d", e.Address, e.Status)
}

// Health asks GET /health, vLLM's own check that its engine is alive, and
// returns nil on 200, a [*StatusError] on another answer and an [*Error] on
// none. The context bounds the time.
func (s *Server) Health(ctx context.Context) error {
	r, err := s.Do(ctx, &Request{Method: http.MethodGet, Path: "/health"})
	if err != nil {
		return err
	}
	defer func() { _ = r.Body.Close() }()
	if r.Status != http.StatusOK {
		return &StatusError{Address: s.address, Status: r.Status}
	}
	return nil
}
