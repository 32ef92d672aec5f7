package listener

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/certificate"
	"github.com/token-rate-limiter/token-rate-limiter/internal/descriptor"
	"github.com/token-rate-limiter/token-rate-limiter/internal/http1"
)

const (
	// streamsMax is how many requests of one HTTP/2 connection may run at once. Streams that a
	// client has reset are no way around it: net/http ends such a connection.
	streamsMax = 250

	patience = time.Minute // how long a client may take for a part of an answer
)

// Options of a server.
type Options struct {
	Handler           http.Handler
	ReadHeaderTimeout time.Duration
	IdleTimeout       time.Duration
	MaxHeaderBytes    int
	// Certificate encrypts the connections, for HTTP/2 or HTTP/1.1; nil: they are not encrypted.
	Certificate *certificate.Pair
	// StreamPatience is how long a connection of HTTP/2 may take nothing. The deadlines of
	// streams do not help there: what ends a stream has to be written too.
	StreamPatience time.Duration
	NetHTTP        bool // has net/http serve plain requests too
	Log            *slog.Logger
}

// Server answers clients, as an [http.Server] does.
type Server interface {
	Serve(net.Listener) error
	Shutdown(context.Context) error
	Close() error
}

// NewServer returns the server for clients. It keeps as many connections as scarce allows.
func NewServer(o Options, scarce *descriptor.Scarcity) Server {
	s := http1.New(o.server(), patience)
	s.Bound(scarce.Connections, scarce.Full, scarce.Failed)
	if o.NetHTTP {
		s.HandOverAll()
	}
	if o.Certificate != nil {
		return encrypted{s}
	}
	return s
}

type encrypted struct{ *http1.Server }

// Serve implements Server, over TLS.
func (s encrypted) Serve(l net.Listener) error { return s.ServeTLS(l, "", "") }

// NewPlainServer returns a server for operators, by net/http alone. It reads requests as
// strictly as the server for clients does.
func NewPlainServer(o Options) Server {
	o.Handler = http1.Patient(o.Handler, patience)
	return strictServer{o.server()}
}

type strictServer struct{ *http.Server }

// Serve implements Server. Each connection is read strictly.
func (s strictServer) Serve(l net.Listener) error {
	return s.Server.Serve(http1.Strict(l, s.ErrorLog))
}

func (o Options) server() *http.Server {
	s := &http.Server{
		Handler:           o.Handler,
		ReadHeaderTimeout: o.ReadHeaderTimeout,
		IdleTimeout:       o.IdleTimeout,
		MaxHeaderBytes:    o.MaxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(o.Log.Handler(), slog.LevelDebug),
	}
	if o.Certificate != nil {
		s.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: o.Certificate.Get}
		s.HTTP2 = &http.HTTP2Config{
			MaxConcurrentStreams: streamsMax,
			WriteByteTimeout:     o.StreamPatience,
		}
	}
	return s
}
