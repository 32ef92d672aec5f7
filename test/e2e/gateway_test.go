package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/internal/mockvllm"
	"github.com/token-rate-limiter/token-rate-limiter/internal/redistest"
)

// model is the model that most tests use.
const model = "llama2-7b"

// mocked is a service's setting that lets requests tell the model server how to answer.
const mocked = "allow-fields: [mock]"

// site is what a gateway is configured with.
type site struct {
	server string            // address of the model server, of every model
	redis  *redistest.Server // nil: memory
	models map[string]string // limits by model name, YAML on one line
	extra  string            // YAML for further sections
	wait   string            // redis.timeout; empty: one that busy machines keep
	// auth is YAML for who may come in; empty: everybody.
	auth string
	// database is YAML for the control database; empty: there is none.
	database string
	// service is YAML for further settings of every model's service. Unless it has
	// allow-fields, requests may have the member mock.
	service string
	// password is redis.password.
	password string
	// redisMore is YAML for further settings of redis.
	redisMore string
	// link is the network to redis; nil: none worth the name.
	link *redistest.Link
}

// folder writes the site's configuration and returns where.
func (s site) folder(t testing.TB) string {
	t.Helper()
	var b bytes.Buffer
	auth := s.auth
	if auth == "" {
		auth = "{enabled: false}"
	}
	fmt.Fprintf(&b, "server: {address: \"127.0.0.1:0\"%s}\nauth: %s\n", comma(s.extra), auth)
	if s.redis != nil {
		port := s.redis.Port()
		if s.link != nil {
			port = s.link.Port()
		}
		fmt.Fprintf(&b, "redis: {host: 127.0.0.1, port: %d, timeout: %s, password: %q%s}\n", port, s.timeout(), s.password, comma(s.redisMore))
	}
	if s.database != "" {
		fmt.Fprintf(&b, "database: %s\n", s.database)
	}
	b.WriteString("token:\n  rate-limit:\n    models:\n")
	for name, limits := range s.models {
		fmt.Fprintf(&b, "      %s: %s\n", name, limits)
	}
	b.WriteString("vllm:\n  services:\n")
	service := s.service
	if !strings.Contains(service, "allow-fields") {
		service = mocked + comma(service)
	}
	for name := range s.models {
		fmt.Fprintf(&b, "    %s: {endpoints: [%q]%s}\n", name, s.server, comma(service))
	}
	return folder(t, map[string]string{"application.yml": b.String()})
}

// comma returns further settings of a map on one line, after those it has.
func comma(settings string) string {
	if settings == "" {
		return ""
	}
	return ", " + settings
}

// timeout returns redis.timeout. Its default is meant for machines that are
// not busy with other tests, so tests that are not about it take a longer one.
func (s site) timeout() string {
	if s.wait == "" {
		return "5s"
	}
	return s.wait
}

// folder writes files and returns the folder that they are in.
func folder(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// gateway is a running gateway.
type gateway struct {
	*process
	client
}

// serve runs a gateway and waits until it accepts requests. flags are further
// flags of its command.
func (s site) serve(t testing.TB, flags ...string) *gateway {
	t.Helper()
	p := start(t, append([]string{"serve", "--config", s.folder(t)}, flags...)...)
	return &gateway{p, newClient(t, "http://"+p.address(t))}
}

// address waits until a gateway that logs JSON listens, and returns where.
func (p *process) address(t testing.TB) string {
	t.Helper()
	p.stderr.await(t, `"msg":"listening"`)
	var line struct {
		Address string `json:"address"`
	}
	if err := json.Unmarshal([]byte(p.stderr.lines(`"msg":"listening"`)[0]), &line); err != nil {
		t.Fatal(err)
	}
	return line.Address
}

// newModelServer runs a model server in the test's own process, and returns
// its ledger and address.
func newModelServer(t testing.TB) (*mockvllm.Ledger, string) {
	t.Helper()
	_, ledger, url := newHoldingServer(t)
	return ledger, url
}

// newHoldingServer runs a model server as newModelServer does, and returns it
// too, for streams that are held.
func newHoldingServer(t testing.TB) (*mockvllm.Server, *mockvllm.Ledger, string) {
	t.Helper()
	ledger := &mockvllm.Ledger{}
	mock := mockvllm.New(mockvllm.Options{Models: []mockvllm.Model{{Name: model}}, Ledger: ledger})
	server := httptest.NewServer(mock)
	t.Cleanup(func() {
		mock.Close()
		server.Close()
	})
	return mock, ledger, server.URL
}

// freeAddress returns an address of the loopback interface that nothing
// listens on.
func freeAddress(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// ready reports whether the gateway says that it is.
func (c client) ready() bool {
	status, _ := c.get("/actuator/health/readiness")
	return status == http.StatusOK
}
