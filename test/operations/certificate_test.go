package operations

import (
	"crypto/tls"
	"strings"
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/internal/apptest"
)

// TestCertificateIsRenewed: a changed pair is shown to new connections without a
// restart, a wrong one to nobody, and streams that run go on.
func TestCertificateIsRenewed(t *testing.T) {
	g := apptest.Start(t, apptest.Options{TLS: true})
	before := g.Files.Serial(t)
	if !strings.Contains(g.Get(t, "/actuator/prometheus"), "server_certificate_expiry_timestamp_seconds 1") {
		t.Error("no metric tells when the certificate expires")
	}
	renewed := g.Files.Renew(t)
	eventually(t, "the new certificate is shown", func() bool { return shownSerial(t, g) == renewed.String() })
	if before.Cmp(renewed) == 0 {
		t.Fatal("the test does not test")
	}
	g.Probe(t, "/v1/models") // on the old connection, which nothing closes
}

// shownSerial returns the number of the certificate that a new connection gets.
func shownSerial(t *testing.T, g *apptest.Gateway) string {
	t.Helper()
	c, err := tls.Dial("tcp", strings.TrimPrefix(g.URL, "https://"), &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	return c.ConnectionState().PeerCertificates[0].SerialNumber.String()
}
