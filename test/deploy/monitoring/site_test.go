package monitoring_test

import (
	"crypto/sha256"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/test/deploy/deploytest"
)

// The models of the site.
const (
	busyModel   = "llama2-7b"     // two servers, wide limits: most requests are for it
	strictModel = "llama2-13b"    // every limit of users, and one server of two is away for good
	sharedModel = "qwen2-7b"      // a limit of all users together
	brokenModel = "gpt-3.5-turbo" // requests open its breaker
	flakyModel  = "mistral-7b"    // few requests, of which many fail
	lostModel   = "e5-large"      // no server at all
)

// loadKey is what clients show: the third gateway wants a key.
const loadKey = "0123456789abcdef0123456789abcdef-of-the-load"

// application is the configuration of the gateways. SERVER, OTHER and NOBODY are addresses of
// model servers, WANTED is whether keys are, and HASH that of loadKey.
const application = `
auth:
  enabled: WANTED
  api-keys: [{name: load, user: load, hash: "HASH", act-as: true}]
  jwt:
    issuers:
      - {issuer: "https://issuer.example.com", audiences: [gateway], algorithms: [RS256], jwks-url: "NOBODY/keys", map: {user: {claim: /sub}}}
token:
  rate-limit:
    max-accounts: 4
    models:
      llama2-7b: {max-tokens-per-minute: 200000, max-concurrent-requests: 200}
      llama2-13b:
        {max-tokens-per-minute: 600, max-tokens-per-hour: 600, max-input-tokens-per-minute: 300, max-output-tokens-per-minute: 400,
        max-requests-per-minute: 12, max-requests-per-day: 12, max-concurrent-requests: 3, max-concurrent-requests-per-user: 1}
      qwen2-7b: {total: {max-tokens-per-minute: 300}}
      gpt-3.5-turbo: {max-tokens-per-minute: 100000}
      mistral-7b: {max-tokens-per-minute: 100000}
      e5-large: {max-tokens-per-minute: 100000}
vllm:
  services:
    llama2-7b: {endpoints: ["SERVER", "OTHER"], allow-fields: [mock], breaker-failures: 0}
    llama2-13b: {endpoints: ["SERVER", "NOBODY"], allow-fields: [mock], breaker-failures: 0}
    gpt-3.5-turbo: {endpoints: ["SERVER"], allow-fields: [mock], breaker-wait: 2s}
    qwen2-7b: {endpoints: ["SERVER"], allow-fields: [mock]}
    mistral-7b: {endpoints: ["SERVER"], allow-fields: [mock], breaker-failures: 0, idle-timeout: 2s}
    e5-large: {endpoints: ["NOBODY"]}
`

// site is two gateways on one Redis, and a third by itself with a certificate, in front of model
// servers that only pretend.
type site struct {
	binary       string
	dir          string
	redis        *deploytest.Process
	redisPort    string
	server       string // address of the model server that stays
	other        string // address of the one that goes away and comes back
	otherProcess *deploytest.Process
	gateways     []*gateway // the first two are those with Redis
}

// gateway is a running one.
type gateway struct {
	*deploytest.Process
	url        string
	management string // host and port of its metrics
	folder     string // of its configuration
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{binary: deploytest.Binary(t), dir: t.TempDir(), redisPort: deploytest.FreePort(t)}
	s.redis = deploytest.Start(t, deploytest.Command(nil, deploytest.Need(t, "redis-server"),
		"--bind", "127.0.0.1", "--port", s.redisPort, "--dir", s.dir, "--save", "", "--maxmemory-policy", "noeviction"))
	s.redis.Await(t, "Ready to accept connections")
	s.server, s.other = "127.0.0.1:"+deploytest.FreePort(t), "127.0.0.1:"+deploytest.FreePort(t)
	s.serveModels(t, s.server)
	s.otherProcess = s.serveModels(t, s.other)
	s.serve(t, "one", "http")
	s.serve(t, "two", "http")
	s.serve(t, "three", "https")
	return s
}

// serveModels starts a model server at an address.
func (s *site) serveModels(t *testing.T, address string) *deploytest.Process {
	t.Helper()
	args := []string{s.binary, "mock-vllm", "--address", address, "--first-token", "20ms", "--token", "4ms"}
	for _, model := range []string{busyModel, strictModel, sharedModel, brokenModel, flakyModel} {
		args = append(args, "--model", model)
	}
	p := deploytest.Start(t, deploytest.Command(nil, args...))
	p.Await(t, "listens on")
	return p
}

// serve starts a gateway with a configuration of its own: with Redis, or with https and its memory.
func (s *site) serve(t *testing.T, name, scheme string) {
	t.Helper()
	g := &gateway{folder: filepath.Join(s.dir, name), management: "127.0.0.1:" + deploytest.FreePort(t)}
	if err := os.Mkdir(g.folder, 0o700); err != nil {
		t.Fatal(err)
	}
	nobody := "127.0.0.1:" + deploytest.FreePort(t)
	text := strings.NewReplacer("SERVER", "http://"+s.server, "OTHER", "http://"+s.other, "NOBODY", "http://"+nobody,
		"WANTED", fmt.Sprint(scheme == "https"), "HASH", fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(loadKey)))).Replace(application)
	if scheme == "https" {
		text += "server: {tls: {certificate: " + s.dir + "/tls.crt, key: " + s.dir + "/tls.key}, data-directory: " + s.dir + "/data}\n"
		certificate(t, s.dir)
	} else {
		text += "redis: {host: 127.0.0.1, port: " + s.redisPort + "}\n"
	}
	text += "management: {address: \"" + g.management + "\"}\n"
	g.configure(t, text)
	address := "127.0.0.1:" + deploytest.FreePort(t)
	g.url = scheme + "://" + address
	g.Process = deploytest.Start(t, deploytest.Command(nil, s.binary, "serve", "--config", g.folder, "--address", address))
	deploytest.Eventually(t, name+" is ready", func() bool {
		return deploytest.Command(nil, s.binary, "healthcheck", "--url", "http://"+g.management).Run() == nil
	})
	s.gateways = append(s.gateways, g)
}

func (g *gateway) configure(t *testing.T, text string) {
	t.Helper()
	write(t, filepath.Join(g.folder, "application.yml"), text)
}

// certificate makes one that ends in three days.
func certificate(t *testing.T, dir string) {
	t.Helper()
	deploytest.Output(t, deploytest.Command(nil, "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
		"-keyout", dir+"/tls.key", "-out", dir+"/tls.crt", "-days", "3", "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"))
}

// askRedis runs a command of redis-cli.
func (s *site) askRedis(t *testing.T, args ...string) string {
	t.Helper()
	return deploytest.Output(t, exec.Command("redis-cli", append([]string{"-p", s.redisPort}, args...)...))
}

// pauseRedis lets Redis answer nobody for a while.
func (s *site) pauseRedis(d time.Duration) {
	s.redis.Signal(syscall.SIGSTOP)
	time.Sleep(d)
	s.redis.Signal(syscall.SIGCONT)
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// read returns a file of the repository.
func read(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile(deploytest.Path(t, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// files returns the paths in the repository that a pattern matches, of which there must be some.
func files(t testing.TB, pattern string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(deploytest.Root, pattern))
	if err != nil || len(found) == 0 {
		t.Fatalf("there is no %s (%v)", pattern, err)
	}
	for i, f := range found {
		found[i] = strings.TrimPrefix(filepath.ToSlash(f), deploytest.Root+"/")
	}
	return found
}

// listen returns a listener on the loopback interface that ends with the test.
func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(fmt.Errorf("the loopback interface: %w", err))
	}
	t.Cleanup(func() { l.Close() })
	return l
}
