package upgrade_test

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/test/deploy/deploytest"
)

// TestTLS runs the load balancer as docker/docker-compose.tls.yml has it: streams come whole over TLS, by
// HTTP/2 and HTTP/1.1, nothing is served in plain text or by an old TLS, its health check is answered, and
// a renewed certificate is taken up without a stream being cut.
func TestTLS(t *testing.T) {
	p := stack(t, "docker/docker-compose.yml", "docker/docker-compose.tls.yml")
	service := p.Services["load-balancer"]
	s := newSite(t, p, ofCompose(p))
	file, within := filepath.Join(t.TempDir(), "tls.pem"), "127.0.0.1:"+deploytest.FreePort(t)
	first := renew(t, file)
	mounted := "/run/secrets/" + service.Secrets[0].Source
	if got := *service.Environment["TLS_CERTIFICATE"]; got != mounted {
		t.Errorf("the certificate is mounted at %s, and looked for at %s", mounted, got)
	}
	balancer := s.balance(t, "TLS_CERTIFICATE="+file, "LISTEN_WITHIN="+within)
	plain := s.url
	s.url = "https" + strings.TrimPrefix(s.url, "http")
	s.client = trusting(first)
	g := s.serve(t, hosts[0])
	s.names.set(g.host)
	deploytest.Eventually(t, "the load balancer has a gateway", func() bool { return s.status(t, "/v1/models") == http.StatusOK })

	l := &load{url: s.url}
	for major, protocol := range map[int]string{1: "http/1.1", 2: "h2"} {
		client := trusting(first)
		client.Transport.(*http.Transport).TLSClientConfig.NextProtos = []string{protocol}
		client.Transport.(*http.Transport).ForceAttemptHTTP2 = major == 2
		response, err := client.Get(s.url + "/actuator/health")
		if err != nil || response.ProtoMajor != major || response.TLS == nil {
			t.Fatalf("%s: %+v (%v)", protocol, response, err)
		}
		response.Body.Close()
		if err := l.stream(client, 0, 20); err != nil {
			t.Errorf("%s: %v", protocol, err)
		}
	}
	checkNothingElse(t, s, plain, first)
	checkHealthWithin(t, service.HealthCheck.Test, within)
	checkRenewal(t, s, balancer, file, first)
}

// checkNothingElse wants neither plain HTTP nor an old TLS served.
func checkNothingElse(t *testing.T, s *site, plain string, trusted *x509.Certificate) {
	t.Helper()
	if response, err := http.Get(plain + "/v1/models"); err == nil {
		t.Errorf("plain HTTP is answered with %s", response.Status)
	}
	old := trusting(trusted)
	old.Transport.(*http.Transport).TLSClientConfig.MinVersion = tls.VersionTLS10
	old.Transport.(*http.Transport).TLSClientConfig.MaxVersion = tls.VersionTLS11
	if response, err := old.Get(s.url + "/v1/models"); err == nil || !strings.Contains(err.Error(), "protocol version") {
		t.Errorf("TLS 1.1 is answered with %v (%v)", response, err)
	}
}

// checkHealthWithin asks what the health check asks, and wants it to ask where the load balancer listens by itself.
func checkHealthWithin(t *testing.T, test []string, within string) {
	t.Helper()
	asked, err := url.Parse(test[len(test)-1])
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(deploytest.Path(t, "docker/haproxy/haproxy.cfg"))
	if err != nil {
		t.Fatal(err)
	}
	if listens := regexp.MustCompile(`presetenv LISTEN_WITHIN (\S+)`).FindSubmatch(text); listens == nil || string(listens[1]) != asked.Host {
		t.Errorf("the health check asks at %s, and the load balancer listens at %q", asked.Host, listens)
	}
	asked.Host = within
	response, err := http.Get(asked.String())
	if err != nil || response.StatusCode != http.StatusOK {
		t.Errorf("the health check gets %v (%v)", response, err)
	}
}

// checkRenewal renews the certificate while a stream is open, and others come and go.
func checkRenewal(t *testing.T, s *site, balancer *deploytest.Process, file string, before *x509.Certificate) {
	t.Helper()
	l, ended := &load{url: s.url}, make(chan error, 1)
	client := s.client
	go func() { ended <- l.stream(client, 0, 80) }()
	deploytest.Eventually(t, "a stream is open", func() bool { return l.open.Load() == 1 })
	after := renew(t, file)
	client = trusting(before, after)
	balancer.Signal(syscall.SIGHUP)
	renewed, served, refused := false, 0, 0
	for begun := time.Now(); !renewed || time.Since(begun) < 3*time.Second; {
		if time.Since(begun) > deploytest.Patience {
			t.Fatal("the renewed certificate is not shown")
		}
		response, err := client.Get(s.url + "/v1/models") // without a key, for which a gateway has a 401
		if err != nil {
			t.Errorf("while the certificate is renewed: %v", err)
			break
		}
		response.Body.Close()
		renewed = response.TLS.PeerCertificates[0].Equal(after)
		if response.StatusCode == http.StatusUnauthorized {
			served++
		} else if refused++; response.StatusCode != http.StatusServiceUnavailable {
			t.Errorf("while the certificate is renewed, there is a %s", response.Status)
		}
	}
	t.Logf("while the certificate is renewed, %d requests are served and %d get 503", served, refused)
	if l.open.Load() != 1 {
		t.Error("the stream has ended already: the test tests nothing")
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// renew writes a new certificate for 127.0.0.1 with its key into a file that may be there, and returns it.
func renew(t *testing.T, file string) *x509.Certificate {
	t.Helper()
	made := filepath.Join(t.TempDir(), "tls.pem")
	deploytest.Output(t, deploytest.Command(nil, "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
		"-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", made, "-out", made))
	text, err := os.ReadFile(made)
	if err != nil {
		t.Fatal(err)
	}
	write(t, file, string(text))
	pair, err := tls.LoadX509KeyPair(file, file)
	if err != nil {
		t.Fatal(err)
	}
	return pair.Leaf
}

// trusting returns a client that trusts these certificates only, and opens a connection for each request.
func trusting(certificates ...*x509.Certificate) *http.Client {
	pool := x509.NewCertPool()
	for _, c := range certificates {
		pool.AddCert(c)
	}
	return &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, DisableKeepAlives: true}}
}
