package app

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"syscall"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/certificate"
	"github.com/token-rate-limiter/token-rate-limiter/internal/config"
	"github.com/token-rate-limiter/token-rate-limiter/internal/descriptor"
	"github.com/token-rate-limiter/token-rate-limiter/internal/http1"
)

// streamsMax is how many requests of one HTTP/2 connection may run at once. A
// client that resets streams to begin others gets no more than this either:
// net/http ends a connection with many that have not even been begun.
const streamsMax = 250

// answerPatience is how long a client may take for a part of an answer.
const answerPatience = time.Minute

// newHTTPServer returns a server of net/http. Its connections are encrypted where
// cert is not nil; they then speak HTTP/2 or HTTP/1.1.
func newHTTPServer(c *config.Config, cert *certificate.Pair, handler http.Handler, log *slog.Logger) *http.Server {
	s := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: c.Server.ReadHeaderTimeout,
		IdleTimeout:       c.Server.IdleTimeout,
		MaxHeaderBytes:    int(c.Server.MaxHeaderBytes),
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	if cert != nil {
		s.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: cert.Get}
		s.HTTP2 = &http.HTTP2Config{
			MaxConcurrentStreams: streamsMax,
			// The deadlines of streams do not help where the connection itself takes
			// nothing: what ends a stream has to be written too.
			WriteByteTimeout: longestIdle(c.Services),
		}
	}
	return s
}

// server answers clients, as an [http.Server] does.
type server interface {
	Serve(net.Listener) error
	ServeTLS(l net.Listener, certFile, keyFile string) error
	Shutdown(context.Context) error
	Close() error
}

// newServer returns the server for clients, which keeps their connections within bounds,
// and leaves to other what it does not serve itself.
func newServer(c *config.Config, other *http.Server, scarce *descriptor.Scarcity) server {
	s := http1.New(other, answerPatience)
	s.Bound(scarce.Connections, scarce.Full, scarce.Failed)
	if c.Server.PlainHTTP == config.PlainHTTPNet {
		s.LeaveToNetHTTP()
	}
	return s
}

// notListening says that the address of a setting cannot be listened on, and what to do;
// how says how else than by the setting another one is chosen.
func notListening(setting, address string, err error, how string) error {
	if descriptor.Exhausted(err) {
		return fmt.Errorf("%w; %s", err, descriptor.Remedy)
	}
	return fmt.Errorf("%s %s: %w; %s%s", setting, address, err, chooseAnother(err), how)
}

// chooseAnother says what to do where an address cannot be listened on.
func chooseAnother(err error) string {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return "end what listens there already, or choose another address"
	case errors.Is(err, syscall.EACCES):
		return "ports below 1024 are for root, or with CAP_NET_BIND_SERVICE; choose another address"
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return "no interface of this machine has that address; choose another one"
	}
	return "choose another address"
}

// longestIdle returns how long a client may read nothing, whatever it reads.
func longestIdle(services map[string]config.Service) time.Duration {
	var longest time.Duration
	for _, s := range services {
		longest = max(longest, s.IdleTimeout)
	}
	return longest
}

// serve answers what comes to the listener until the server is shut down.
func (a *App) serve(listener net.Listener) error {
	if a.cert == nil {
		return a.server.Serve(listener)
	}
	return a.server.ServeTLS(listener, "", "")
}
