package redis

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"

	"github.com/token-rate-limiter/token-rate-limiter/internal/descriptor"
)

// handshakeError is the error of a connection that was made, and could not be
// encrypted.
type handshakeError struct{ cause error }

func (e *handshakeError) Error() string { return "TLS handshake: " + e.cause.Error() }
func (e *handshakeError) Unwrap() error { return e.cause }

// remedy says which settings to look at after an error of the server, or on the way
// to it, in an operation; "" where none would help.
func (o *Options) remedy(operation string, err error) string {
	var handshake *handshakeError
	var name *net.DNSError
	var network *net.OpError
	switch {
	case descriptor.Exhausted(err):
		return "this process has no file descriptor left for a connection: " +
			"raise its limit (ulimit -n)"
	case errors.As(err, &handshake):
		return handshake.remedy()
	case errors.As(err, &name):
		return fmt.Sprintf("the name %q in redis.host has no address", name.Name)
	case errors.As(err, &network) && network.Op == "dial":
		return "nothing answers there: look at redis.host and redis.port"
	case operation == operationPing && broken(err) && o.TLS == nil:
		return "it broke the connection: where it wants TLS, set redis.tls.enabled"
	case operation == operationPing && broken(err):
		return "it broke the connection: where it wants a certificate, " +
			"set redis.tls.certificate and redis.tls.key"
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Sprintf("it did not answer in time: redis.timeout is %v", o.Timeout)
	}
	return o.remedyOf(err.Error())
}

// broken reports whether err is that of a connection that the other side ended.
func broken(err error) bool {
	var alert *net.OpError
	return errors.As(err, &alert) && alert.Op == "remote error" ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// remedy says which settings to look at after a handshake that failed.
func (e *handshakeError) remedy() string {
	var certificate *tls.CertificateVerificationError
	var alert tls.AlertError
	var remote *net.OpError
	switch {
	case errors.As(e.cause, &certificate):
		return "its certificate is not trusted: look at redis.tls.ca-file and redis.tls.server-name"
	case errors.As(e.cause, &alert), errors.As(e.cause, &remote) && remote.Op == "remote error":
		return "the server refuses the handshake: look at redis.tls.certificate and redis.tls.key"
	}
	return "it does not speak TLS there: switch redis.tls.enabled (ssl: of a Spring application) " +
		"off, or set redis.port to its port for TLS"
}

// remedyOf says which settings to look at after an error that the server answered.
func (o *Options) remedyOf(answer string) string {
	for _, known := range []struct{ part, remedy string }{
		{"WRONGPASS", "look at redis.username and redis.password"},
		{"NOAUTH", "it wants a password: set redis.password"},
		{"without any password configured", "it has no password: remove redis.password"},
		{"DB index", fmt.Sprintf("it has no database %d: look at redis.database", o.Database)},
		{"NOPERM", rightsRemedy},
		{"can't run this command", rightsRemedy},
		{"READONLY", "it is a replica: set redis.host and redis.port to the primary"},
		{"OOM", "its memory is full"},
	} {
		if strings.Contains(answer, known.part) {
			return known.remedy
		}
	}
	return ""
}

// rightsRemedy says what to do about a user who may not do what is needed.
const rightsRemedy = "the user in redis.username lacks a right: docs/operations.md has the ACL rule"
