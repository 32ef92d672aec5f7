package httpclient

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/httpsyntax"
)

// DefaultConnectTimeout is that of [Options].
const DefaultConnectTimeout = 2 * time.Second

const (
	// idleTimeout is the longest time that a connection is kept unused. It is below the 5 s after
	// which uvicorn, the HTTP server of vLLM, closes one (its timeout_keep_alive).
	idleTimeout = 4 * time.Second
	// idleMax bounds the unused connections that are kept.
	idleMax = 1024
)

// Options describe one server and how to reach it.
type Options struct {
	// URL is http or https, with an optional base path that every request's
	// path is appended to. Required; no user, query or fragment.
	URL *url.URL
	// RootCAs are trusted to vouch for an https server; nil means the system's.
	RootCAs *x509.CertPool
	// APIKey, if not empty, is sent as the bearer token of every request.
	APIKey string
	// ConnectTimeout bounds making a connection, TLS included. Zero means DefaultConnectTimeout.
	ConnectTimeout time.Duration
	// Dial makes the TCP connections; nil means net.Dialer.DialContext.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// Client sends requests to one server. Use New; its methods may be called concurrently.
type Client struct {
	address string // host:port
	name    string // the address and the base path
	prefix  string // base path without a trailing slash
	fields  string // the header fields that every request carries
	connect time.Duration
	tls     *tls.Config // nil: clear text
	dialRaw func(ctx context.Context, network, address string) (net.Conn, error)
	kept    kept
}

// New returns a client without opening a connection. It fails where the URL or
// the API key could not be sent.
func New(o Options) (*Client, error) {
	if u := o.URL; u == nil || u.Scheme != "http" && u.Scheme != "https" ||
		u.Hostname() == "" || !httpsyntax.ValidHost(u.Host) ||
		u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" {
		return nil, errors.New("a server needs an http or https URL, with a host that a header " +
			"can carry and without credentials, query or fragment")
	}
	if !httpsyntax.ValidValue(o.APIKey) {
		return nil, errors.New("the API key of a server has a character that a header cannot " +
			"carry; remove line breaks and control characters")
	}
	cl := &Client{
		address: addressOf(o.URL),
		prefix:  strings.TrimRight(o.URL.EscapedPath(), "/"),
		fields:  commonFields(o.URL.Host, o.APIKey),
		connect: cmp.Or(o.ConnectTimeout, DefaultConnectTimeout),
		dialRaw: o.Dial,
		kept:    kept{max: idleMax, timeout: idleTimeout},
	}
	cl.name = cl.address + cl.prefix
	if cl.dialRaw == nil {
		cl.dialRaw = new(net.Dialer).DialContext
	}
	if o.URL.Scheme == "https" {
		cl.tls = tlsConfig(o.URL.Hostname(), o.RootCAs)
	}
	return cl, nil
}

func addressOf(u *url.URL) string {
	port := map[string]string{"http": "80", "https": "443"}[u.Scheme]
	return net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), port))
}

// Address returns the host and port that connections are made to.
func (cl *Client) Address() string { return cl.address }

// Name tells the server apart from others, for people and metrics: its host and
// port, and its base path if it has one.
func (cl *Client) Name() string { return cl.name }

// CloseIdle closes the unused connections.
func (cl *Client) CloseIdle() { cl.kept.close(false) }

// Close closes the unused connections and refuses new requests with [ErrClosed]. Running exchanges
// go on to their end, where their connections are closed. It may be called more than once.
func (cl *Client) Close() { cl.kept.close(true) }
