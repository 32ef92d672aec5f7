package httpclient

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// serveTLS starts a real TLS server with a certificate of its own for
// 127.0.0.1 and example.com, and returns the file of the authority that
// vouches for it.
func serveTLS(t *testing.T, change func(*tls.Config)) (server *httptest.Server, caFile string) {
	t.Helper()
	server = httptest.NewUnstartedServer(http.HandlerFunc(echo))
	server.EnableHTTP2 = true
	server.TLS = new(tls.Config)
	change(server.TLS)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	caFile = filepath.Join(t.TempDir(), "ca.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(caFile, block, 0o600); err != nil {
		t.Fatal(err)
	}
	return server, caFile
}

func trusting(t *testing.T, caFile string) func(*Options) {
	t.Helper()
	text, err := os.ReadFile(caFile)
	roots := x509.NewCertPool()
	if err != nil || !roots.AppendCertsFromPEM(text) {
		t.Fatalf("%s has no certificate: %v", caFile, err)
	}
	return func(o *Options) { o.RootCAs = roots }
}

func TestTLS(t *testing.T) {
	server, caFile := serveTLS(t, func(*tls.Config) {})
	s := connect(t, server.URL, trusting(t, caFile))
	for _, size := range []int{10, inlineBytes, 4 << 20} {
		body := strings.Repeat("x", size)
		if r, got := exchange(t, s, post(body)); got != body || r.Connections != 1 {
			t.Errorf("%d bytes came back for %d, after %d connections", len(got), size, r.Connections)
		}
	}
	if n := s.Idle(); n != 1 {
		t.Errorf("%d idle connections, want 1 that carried them all", n)
	}
}

func TestTLSRefuses(t *testing.T) {
	plain := func(*tls.Config) {}
	tests := map[string]struct {
		server func(*tls.Config)
		url    func(string) string
		trust  bool
	}{
		"unknown authority": {plain, func(u string) string { return u }, false},
		"another name":      {plain, func(u string) string { return strings.Replace(u, "127.0.0.1", "localhost", 1) }, true},
		"TLS 1.1":           {func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS11 }, func(u string) string { return u }, true},
		"no HTTP/1.1":       {func(c *tls.Config) { c.NextProtos = []string{"smtp"} }, func(u string) string { return u }, true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			server, caFile := serveTLS(t, tt.server)
			trust := trusting(t, caFile)
			if !tt.trust {
				trust = func(*Options) {}
			}
			e := fails(t, t.Context(), connect(t, tt.url(server.URL), trust), post("{}"))
			if e.Kind != Refused || e.Sent {
				t.Errorf("error %v, want a refused connection", e)
			}
		})
	}
}

// TestTLSUnsolicited puts an answer that nobody asked for into the record that
// ends the first one, so that it has been decrypted, but not read.
func TestTLSUnsolicited(t *testing.T) {
	server, caFile := serveTLS(t, func(c *tls.Config) { c.DynamicRecordSizingDisabled = true })
	long := strings.Repeat("y", 10_000)
	answers := "HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n" + long
	l := listen(t, func(n int, p *peer) {
		p.Conn = tls.Server(p.Conn, server.TLS)
		p.br = bufio.NewReader(p.Conn)
		for p.request() != nil {
			if n == 1 {
				p.say(answers + "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison")
			} else {
				p.say(answers)
			}
		}
	})
	s := connect(t, "https://"+l.Addr().String(), trusting(t, caFile))
	for range 3 {
		r, err := s.Do(t.Context(), post("{}"))
		if err != nil {
			t.Fatal(err)
		}
		body := make([]byte, r.ContentLength)
		if _, err := io.ReadFull(r.Body, body); err != nil || string(body) != long || r.Connections != 1 {
			t.Errorf("got %d bytes, %v, after %d connections", len(body), err, r.Connections)
		}
		_ = r.Body.Close()
	}
	if n := l.accepted.Load(); n != 2 {
		t.Errorf("%d connections, want 2: one poisoned, and one for the rest", n)
	}
}

// TestTLSRetry lets a TLS server close a kept connection.
func TestTLSRetry(t *testing.T) {
	server, caFile := serveTLS(t, func(*tls.Config) {})
	s := connect(t, server.URL, trusting(t, caFile), blind)
	exchange(t, s, post("{}"))
	server.CloseClientConnections()
	if r, body := exchange(t, s, post("{}")); body != "{}" || r.Connections != 2 {
		t.Errorf("got %q after %d connections, want an answer after 2", body, r.Connections)
	}
}
