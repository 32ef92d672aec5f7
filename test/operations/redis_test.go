package operations

import (
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/internal/apptest"
	"github.com/token-rate-limiter/token-rate-limiter/internal/redistest"
	"github.com/token-rate-limiter/token-rate-limiter/internal/tlstest"
)

// TestRedisOverTLS: the store is reached by an encrypted connection on which either
// side shows a certificate that the other one trusts, and by no other one. A Redis
// that is not to be trusted is told of like one that is away.
func TestRedisOverTLS(t *testing.T) {
	own, gateways, foreign := tlstest.New(t), tlstest.New(t), tlstest.New(t)
	port := freePort(t)
	server := redistest.Start(t, "--tls-port", port, "--tls-cert-file", own.Certificate, "--tls-key-file", own.Key,
		"--tls-ca-cert-file", gateways.Certificate, "--tls-auth-clients", "yes")
	settings := func(authority, client tlstest.Pair, more string) string {
		return fmt.Sprintf("tls: {enabled: true, ca-file: %q, certificate: %q, key: %q%s}",
			authority.Certificate, client.Certificate, client.Key, more)
	}
	for _, tt := range []struct {
		name, settings string
		status         int
	}{
		{"both are trusted", settings(own, gateways, ""), http.StatusOK},
		{"under another name", settings(own, gateways, ", server-name: gateway.test"), http.StatusOK},
		{"under a wrong name", settings(own, gateways, ", server-name: other.test"), http.StatusServiceUnavailable},
		{"the server is not trusted", settings(foreign, gateways, ""), http.StatusServiceUnavailable},
		{"the gateway is not trusted", settings(own, foreign, ""), http.StatusServiceUnavailable},
		{"the gateway shows no certificate", fmt.Sprintf("tls: {enabled: true, ca-file: %q}", own.Certificate), http.StatusServiceUnavailable},
		{"not encrypted", "", http.StatusServiceUnavailable},
	} {
		t.Run(tt.name, func(t *testing.T) {
			user := strings.ReplaceAll(tt.name, " ", "-")
			g := apptest.Start(t, apptest.Options{
				Redis: "127.0.0.1:" + port, RedisMore: tt.settings, Limits: "{max-tokens-per-minute: 1000}",
			})
			status, _, body := g.Post(t, chatPath, user, `{"model":"llama2-7b","messages":[{"role":"user","content":"hello"}]}`)
			if status != tt.status {
				t.Errorf("the answer is %d %s, want %d; the log:\n%s", status, body, tt.status, g.Logs)
			}
			ready, probe := g.Probe(t, "/actuator/health/readiness")
			if (ready == http.StatusOK) != (tt.status == http.StatusOK) {
				t.Errorf("readiness is %d %s", ready, probe)
			}
			account, err := server.Hash("token:usage:{" + apptest.Model + "}:" + user)
			if err != nil {
				t.Fatal(err)
			}
			if (len(account) > 0) != (tt.status == http.StatusOK) {
				t.Errorf("the account in Redis is %v", account)
			}
		})
	}
}

// freePort returns a port of the loopback interface that nothing listens on.
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
