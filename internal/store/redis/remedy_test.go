package redis

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
	"github.com/token-rate-limiter/token-rate-limiter/internal/redistest"
	"github.com/token-rate-limiter/token-rate-limiter/internal/tlstest"
)

// freePort returns a port that nothing listens on.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

// TestNoDescriptorBlamesNoSetting: that this process has no file descriptor left is not the
// way to the server.
func TestNoDescriptorBlamesNoSetting(t *testing.T) {
	for _, cause := range []error{syscall.EMFILE, syscall.ENFILE} {
		err := &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("socket", cause)}
		if r := new(Options).remedy(operationPing, err); !strings.Contains(r, "file descriptor") || strings.Contains(r, "redis.") {
			t.Errorf("%v: %s", err, r)
		}
	}
}

// TestErrorsNameTheSetting: whatever is wrong about the way to the server, what is
// told names the address and the setting, from the first moment on, and is counted.
func TestErrorsNameTheSetting(t *testing.T) {
	own, foreign := tlstest.New(t), tlstest.New(t)
	port := freePort(t)
	encrypted := "127.0.0.1:" + port
	plain := redistest.Start(t, "--tls-port", port, "--tls-cert-file", own.Certificate, "--tls-key-file", own.Key,
		"--tls-ca-cert-file", own.Certificate)
	locked := redistest.Start(t, "--requirepass", "right")
	trusting := func(p tlstest.Pair, name string) *tls.Config {
		c := p.Trust(t)
		c.ServerName = name
		return c
	}
	for name, tt := range map[string]struct {
		o    Options
		says []string
	}{
		"TLS to a server without":          {Options{Address: plain.Addr, TLS: trusting(own, "127.0.0.1")}, []string{"redis.tls.enabled", "ssl", "TLS handshake"}},
		"no TLS to a server with":          {Options{Address: encrypted}, []string{"redis.tls.enabled"}},
		"an authority that is not trusted": {Options{Address: encrypted, TLS: trusting(foreign, "127.0.0.1")}, []string{"redis.tls.ca-file"}},
		"a name that is not its":           {Options{Address: encrypted, TLS: trusting(own, "other.test")}, []string{"redis.tls.server-name"}},
		"no certificate of our own":        {Options{Address: encrypted, TLS: trusting(own, "127.0.0.1")}, []string{"redis.tls.certificate"}},
		"a wrong password":                 {Options{Address: locked.Addr, Password: "an-old-one"}, []string{"redis.password", "WRONGPASS"}},
		"no password":                      {Options{Address: locked.Addr}, []string{"redis.password", "NOAUTH"}},
		"an unknown user":                  {Options{Address: locked.Addr, Username: "nobody", Password: "right"}, []string{"redis.username", "WRONGPASS"}},
		"a database that is not there":     {Options{Address: plain.Addr, Database: 99}, []string{"redis.database", "99"}},
		"a name without an address":        {Options{Address: "no-such-host.invalid:6379"}, []string{"redis.host", "no-such-host.invalid"}},
		"nobody there":                     {Options{Address: "127.0.0.1:" + freePort(t)}, []string{"redis.host", "redis.port", "connection refused"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var failures atomic.Int64
			tt.o.Observe = func(_ string, _ time.Duration, err error) {
				if err != nil {
					failures.Add(1)
				}
			}
			s, err := New(t.Context(), tt.o)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close(t.Context())
			err = s.Ping(t.Context())
			if !errors.Is(err, limit.ErrUnavailable) {
				t.Fatalf("Ping: %v, want ErrUnavailable", err)
			}
			for _, part := range append(tt.says, tt.o.Address) {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("it does not say %q: %v", part, err)
				}
			}
			if tt.o.Password != "" && strings.Contains(err.Error(), tt.o.Password) {
				t.Errorf("it has the password: %v", err)
			}
			if failures.Load() == 0 {
				t.Error("no failure was counted")
			}
		})
	}
}

// TestOneMissedAnswer: a server that misses one answer is asked again, and is not away.
func TestOneMissedAnswer(t *testing.T) {
	server := redistest.Start(t)
	s := join(t, server, Options{Timeout: brief, heartbeat: -1})
	mustReserve(t, s, minute(t, 1000), "u", output(1))
	before := s.gate.opening()
	for range failuresToClose {
		asked := make(chan error)
		server.Pause()
		go func() { asked <- s.Ping(t.Context()) }()
		time.Sleep(brief + brief/2) // the first answer is missing
		server.Resume()
		if err := <-asked; err != nil {
			t.Errorf("Ping: %v", err)
		}
	}
	if s.gate.opening() != before {
		t.Error("the gate was closed")
	}
	server.Pause()
	defer server.Resume()
	if err := s.Ping(t.Context()); !errors.Is(err, limit.ErrUnavailable) {
		t.Errorf("Ping of a server that answers nothing: %v", err)
	}
}

// TestRemedies: which settings are named after an error, where an operation lost its
// connection, or the other side has refused a handshake.
func TestRemedies(t *testing.T) {
	alert := &net.OpError{Op: "remote error", Err: errors.New("tls: bad certificate")}
	reset := &net.OpError{Op: "read", Err: os.NewSyscallError("read", syscall.ECONNRESET)}
	pipe := &net.OpError{Op: "write", Err: os.NewSyscallError("write", syscall.EPIPE)}
	plain, encrypted := Options{}, Options{TLS: &tls.Config{}}
	const wantsTLS, wantsCertificate = "set redis.tls.enabled", "redis.tls.certificate and redis.tls.key"
	for _, tt := range []struct {
		o         Options
		operation string
		err       error
		want      string
	}{
		{plain, operationPing, io.EOF, wantsTLS},
		{plain, operationPing, io.ErrUnexpectedEOF, wantsTLS},
		{plain, operationPing, reset, wantsTLS},
		{plain, operationPing, pipe, wantsTLS},
		{plain, operationPing, alert, wantsTLS},
		{encrypted, operationPing, io.EOF, wantsCertificate},
		{encrypted, operationPing, alert, wantsCertificate},
		{plain, operationReserve, io.EOF, ""},
		{encrypted, operationReserve, alert, ""},
		{plain, operationPing, &net.OpError{Op: "read", Err: errors.New("odd")}, ""},
		{encrypted, operationPing, &net.OpError{Op: "read", Err: errors.New("odd")}, ""},
		{plain, operationPing, errors.New("odd"), ""},
		{plain, operationReserve, &net.OpError{Op: "dial", Err: errors.New("odd")}, "redis.host and redis.port"},
		{encrypted, operationPing, &handshakeError{alert}, "refuses the handshake"},
		{encrypted, operationPing, &handshakeError{tls.AlertError(42)}, "refuses the handshake"},
		{encrypted, operationPing, &handshakeError{reset}, "does not speak TLS"},
		{encrypted, operationPing, &handshakeError{io.EOF}, "does not speak TLS"},
	} {
		if got := tt.o.remedy(tt.operation, tt.err); !strings.Contains(got, tt.want) || tt.want == "" && got != "" {
			t.Errorf("%s, %v, with TLS: %v: %q, want %q", tt.operation, tt.err, tt.o.TLS != nil, got, tt.want)
		}
	}
}
