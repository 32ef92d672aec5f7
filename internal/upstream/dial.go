package upstream

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
)

func tlsConfig(name string, roots *x509.CertPool) *tls.Config {
	return &tls.Config{
		ServerName:         name,
		RootCAs:            roots,
		MinVersion:         tls.VersionTLS12,
		NextProtos:         []string{"http/1.1"},
		ClientSessionCache: tls.NewLRUClientSessionCache(8),
	}
}

// dial makes a connection. The context and the connect timeout bound it, TLS
// included.
//
// It does so in a goroutine of its own, for which it waits: dialling is deep,
// and a stack that has grown for it would stay as large for as long as the
// caller's answer streams.
func (s *Server) dial(ctx context.Context) (*conn, *Error) {
	if s.kept.isShut() {
		return nil, s.dialFailure(ctx, ErrServerClosed)
	}
	type made struct {
		c   *conn
		err error
	}
	done := make(chan made, 1)
	go func() {
		c, err := s.reach(ctx)
		done <- made{c, err}
	}()
	m := <-done
	if m.err != nil {
		return nil, s.dialFailure(ctx, m.err)
	}
	return m.c, nil
}

// reach makes a connection that bytes of a request can be written to.
func (s *Server) reach(ctx context.Context) (*conn, error) {
	ctx, cancel := context.WithTimeout(ctx, s.connect)
	defer cancel()
	raw, err := s.dialRaw(ctx, "tcp", s.address)
	if err != nil {
		return nil, err
	}
	stream, err := s.secure(ctx, raw)
	if err != nil {
		_ = raw.Close()
		return nil, err
	}
	return newConn(s.address, raw, stream), nil
}

// secure does the TLS handshake where the server wants one.
func (s *Server) secure(ctx context.Context, raw net.Conn) (net.Conn, error) {
	if s.tls == nil {
		return raw, nil
	}
	stream := tls.Client(raw, s.tls)
	return stream, stream.HandshakeContext(ctx)
}
