package httpclient

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"os"
	"time"
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

// dial makes a connection. The context and the connect timeout bound it, TLS included.
//
// It does so in a goroutine of its own, for which it waits: dialling is deep, and a stack that has
// grown for it would stay as large for as long as the answer streams.
func (cl *Client) dial(ctx context.Context) (*conn, *Error) {
	if cl.kept.isShut() {
		return nil, cl.dialFailure(ctx, ErrClosed)
	}
	var c *conn
	var err error
	done := make(chan struct{})
	go func() {
		defer close(done)
		c, err = cl.reach(ctx)
	}()
	if <-done; err != nil {
		return nil, cl.dialFailure(ctx, err)
	}
	return c, nil
}

// reach makes a connection that bytes of a request can be written to.
func (cl *Client) reach(ctx context.Context) (*conn, error) {
	ctx, cancel := context.WithTimeout(ctx, cl.connect)
	defer cancel()
	raw, err := cl.dialRaw(ctx, "tcp", cl.address)
	if err != nil {
		return nil, err
	}
	stream, err := cl.secure(ctx, raw)
	if err != nil {
		_ = raw.Close()
		return nil, err
	}
	return newConn(cl.address, raw, stream), nil
}

// secure does the TLS handshake where the server wants one.
func (cl *Client) secure(ctx context.Context, raw net.Conn) (net.Conn, error) {
	if cl.tls == nil {
		return raw, nil
	}
	stream := tls.Client(raw, cl.tls)
	return stream, stream.HandshakeContext(ctx)
}

// Stays makes a connection that no request is sent on, and reports whether the server leaves it
// open for the time of wait. An error is an [*Error]: no connection could be made.
func (cl *Client) Stays(ctx context.Context, wait time.Duration) (bool, error) {
	c, failure := cl.dial(ctx)
	if failure != nil {
		return false, failure
	}
	defer c.kill()
	_ = c.raw.SetReadDeadline(time.Now().Add(wait)) // where that fails, so does the read
	_, err := c.stream.Read(make([]byte, 1))
	return errors.Is(err, os.ErrDeadlineExceeded), nil
}
