package upgrade_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"

	"github.com/token-rate-limiter/token-rate-limiter/test/deploy/deploytest"
)

const (
	model    = "llama2-7b"
	key      = "0123456789abcdef0123456789abcdef" // of this test
	password = "s3cret"
)

// application is what an operator writes into configs/application.yml: limits that are wide enough,
// and keys.
const application = `
token: {rate-limit: {models: {llama2-7b: {max-tokens-per-day: 100000000, max-concurrent-requests: 1000}, gpt-3.5-turbo: {max-tokens-per-day: 1}}}}
vllm: {services: {llama2-7b: 'http://h:8000', gpt-3.5-turbo: 'http://h:8000'}}
spring: {data: {redis: {port: "${REDIS_PORT}", password: "${REDIS_PASSWORD}", timeout: 5s}}}
auth: {api-keys: [{name: test, user: test, hash: %q, roles: [user, admin], act-as: true}]}
`

// site is the stack of docker/docker-compose.yml as processes.
type site struct {
	binary  string
	project *types.Project
	drain   drain
	folder  string // of the configuration
	names   *names
	env     []string

	port, managementPort string // of all gateways, which have addresses of their own
	url                  string // of the load balancer
	client               *http.Client
	mock                 *deploytest.Process
	ledger               string
}

// newSite starts all of a stack but its gateways, which are going to be ended as drain says.
func newSite(t *testing.T, p *types.Project, d drain) *site {
	t.Helper()
	dir := t.TempDir()
	s := &site{
		binary: deploytest.Binary(t), project: p, drain: d, folder: filepath.Join(dir, "configs"), names: newNames(t),
		ledger: filepath.Join(dir, "ledger.jsonl"),
		port:   deploytest.FreePort(t, hosts...), managementPort: deploytest.FreePort(t, hosts...),
		client: http.DefaultClient,
	}
	s.configure(t)
	redis, mock := deploytest.FreePort(t), deploytest.FreePort(t)
	secret := filepath.Join(dir, "redis-password")
	write(t, secret, password+"\n")
	deploytest.Start(t, deploytest.Command(nil, deploytest.Need(t, "redis-server"), deploytest.Path(t, "docker/redis/redis.conf"),
		"--bind", "127.0.0.1", "--port", redis, "--dir", dir, "--requirepass", password)).Await(t, "Ready to accept connections")
	s.mock = deploytest.Start(t, deploytest.Command(nil, s.binary, "mock-vllm", "--address", "127.0.0.1:"+mock, "--ledger", s.ledger,
		"--model", model, "--model", "gpt-3.5-turbo", "--token", "100ms"))
	s.mock.Await(t, "listens on")
	s.env = []string{
		"PROFILE=docker", "DRAIN_DELAY=" + d.delay, "DRAIN_TIMEOUT=" + d.timeout,
		"REDIS_HOST=127.0.0.1", "REDIS_PORT=" + redis, "REDIS_PASSWORD_FILE=" + secret,
		"LLAMA2_7B_URL=http://127.0.0.1:" + mock, "GPT_35_TURBO_URL=http://127.0.0.1:" + mock,
	}
	return s
}

// balance runs the load balancer with its own configuration and what environment says beside, as its
// image does: under a master that starts it anew at SIGHUP.
func (s *site) balance(t *testing.T, environment ...string) *deploytest.Process {
	t.Helper()
	text, err := os.ReadFile(deploytest.Path(t, "docker/haproxy/haproxy.cfg"))
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "haproxy.cfg")
	write(t, file, s.drain.checked(t, string(text)))
	port := deploytest.FreePort(t)
	s.url = "http://127.0.0.1:" + port
	return deploytest.Start(t, deploytest.Command(append(environment,
		"LISTEN=127.0.0.1:"+port, "DNS="+s.names.conn.LocalAddr().String(), "GATEWAY_PORT="+s.port, "MANAGEMENT_PORT="+s.managementPort,
	), deploytest.Need(t, "haproxy"), "-W", "-db", "-f", file))
}

// stack reads Compose files that are laid over each other.
func stack(t *testing.T, files ...string) *types.Project {
	t.Helper()
	for i, f := range files {
		files[i] = deploytest.Path(t, f)
	}
	o, err := cli.NewProjectOptions(files, cli.WithName("test"))
	if err != nil {
		t.Fatal(err)
	}
	p, err := o.LoadProject(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// configure writes the configuration, with the profile of the image.
func (s *site) configure(t *testing.T) {
	t.Helper()
	hash := deploytest.Command(nil, s.binary, "key", "hash")
	hash.Stdin = strings.NewReader(key)
	if err := os.Mkdir(s.folder, 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(s.folder, "application.yml"), fmt.Sprintf(application, strings.TrimSpace(deploytest.Output(t, hash))))
	profile, err := os.ReadFile(deploytest.Path(t, "configs/application-docker.yml"))
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(s.folder, "application-docker.yml"), string(profile))
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// hosts are the addresses that gateways have, one after the other.
var hosts = []string{"127.0.0.11", "127.0.0.12", "127.0.0.13", "127.0.0.14"}

// gateway is a running one.
type gateway struct {
	*deploytest.Process
	host string
}

// serve runs a gateway at an address, and waits until it is ready.
func (s *site) serve(t *testing.T, host string) gateway {
	t.Helper()
	management := net.JoinHostPort(host, s.managementPort)
	g := gateway{deploytest.Start(t, deploytest.Command(append(s.env, "MANAGEMENT_ADDRESS="+management),
		s.binary, "serve", "--config", s.folder, "--address", net.JoinHostPort(host, s.port))), host}
	// The file's own health check, at this address.
	check := slices.Clone([]string(s.project.Services["gateway"].HealthCheck.Test[2:]))
	check[len(check)-1] = "http://" + management
	deploytest.Eventually(t, host+" is ready", func() bool {
		return deploytest.Command(nil, append([]string{s.binary}, check...)...).Run() == nil
	})
	return g
}

// share is how many requests a gateway must have answered to have its share of them: before,
// the load balancer sends nearly all to it, for it has the fewest.
const share = 100

// serves reports whether a gateway has its share of the requests.
func (g gateway) serves() bool { return strings.Count(g.Output(), `"msg":"request"`) >= share }

// stop tells a gateway to end, as an engine does, and wants it to have ended by itself when the
// engine would kill it, and not before the load balancer has had time to leave it.
func (g gateway) stop(t *testing.T, d drain) {
	t.Helper()
	begun := time.Now()
	g.Signal(syscall.SIGTERM)
	code, ended := g.Ended(d.grace)
	took := time.Since(begun)
	t.Logf("%s ended after %.1f s", g.host, took.Seconds())
	if delay := duration(t, d.delay); took < delay || delay == 0 {
		t.Errorf("%s ended after %v, and was to serve for %v", g.host, took, delay)
	}
	if !ended || code != 0 || !strings.Contains(g.Output(), "everything is settled") || strings.Contains(g.Output(), "cut off") {
		t.Errorf("%s ended with %d (%t):\n%s", g.host, code, ended, g.Tail())
	}
}

// account is what a gateway says of a user.
type account struct {
	Windows []struct {
		Meter, Window  string
		Used, Reserved int64
	}
	Concurrency []struct{ Running int64 }
}

// usage asks through the load balancer.
func (s *site) usage(t *testing.T, user string) (a account) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+"/api/v1/admin/token-usage/"+model+"/"+user, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+key)
	response, err := s.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if err := json.NewDecoder(response.Body).Decode(&a); err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%s: %v", response.Status, err)
	}
	return a
}

// generated ends the model server and returns what its ledger has for each user.
func (s *site) generated(t *testing.T) map[string]int64 {
	t.Helper()
	s.mock.Signal(syscall.SIGTERM)
	if code, ended := s.mock.Ended(deploytest.Patience); !ended || code != 0 {
		t.Fatalf("the model server ended with %d (%t)", code, ended)
	}
	f, err := os.Open(s.ledger)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	tokens := map[string]int64{}
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var e struct {
			User          string
			Outcome       string
			Input, Output int64
		}
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			t.Fatalf("%v: %s", err, lines.Bytes())
		}
		if e.Output > 0 && e.Outcome != "completed" {
			t.Errorf("the model server has an answer that was not completed: %s", lines.Bytes())
		}
		tokens[e.User] += e.Input + e.Output
	}
	return tokens
}
