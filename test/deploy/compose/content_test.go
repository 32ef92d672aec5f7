package compose_test

import (
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/compose-spec/compose-go/v2/types"

	"github.com/token-rate-limiter/token-rate-limiter/test/deploy/deploytest"
)

// environment returns that of a service, with secrets where this test has put them.
func environment(s types.ServiceConfig, secrets string) []string {
	var env []string
	for key, value := range s.Environment {
		env = append(env, key+"="+strings.Replace(*value, "/run/secrets", secrets, 1))
	}
	return env
}

// secretsIn returns a folder with a file for each secret of a stack.
func secretsIn(t *testing.T, p *types.Project) string {
	t.Helper()
	dir := t.TempDir()
	for name := range p.Secrets {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("s3cret\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestGatewaysTakeTheirConfiguration: the program itself finds nothing wrong with the
// configuration and the environment that a stack gives to it.
func TestGatewaysTakeTheirConfiguration(t *testing.T) {
	binary := deploytest.Binary(t)
	eachStack(t, func(t *testing.T, s stack, p *types.Project) {
		env := append(environment(p.Services["gateway"], secretsIn(t, p)), "PROFILE=docker") // which is the image's
		cmd := deploytest.Command(env, binary, "check", "--config", deploytest.Path(t, "configs"))
		out := deploytest.Output(t, cmd)
		want := []string{"host: redis", `address: ":9090"`, "store: redis"}
		if !s.isDev() {
			want = append(want, `password: "***"`, "auth:\n  enabled: true")
		}
		for _, w := range want {
			if !strings.Contains(out, w) {
				t.Errorf("the configuration has no %q:\n%s", w, out)
			}
		}
	})
}

// TestModelServersAreWhereGatewaysLook: the names that gateways ask by default are those of the
// overlays' services.
func TestModelServersAreWhereGatewaysLook(t *testing.T) {
	for name, want := range map[string][]string{
		"mock": {"LLAMA2_7B_URL", "GPT_35_TURBO_URL"}, "GPU": {"LLAMA2_7B_URL"}, "GPU in Swarm": {"LLAMA2_7B_URL"}, "development": {"LLAMA2_7B_URL", "GPT_35_TURBO_URL"},
	} {
		p := stacks[name].project(t)
		names := map[string]bool{}
		for service, s := range p.Services {
			names[service] = true
			for network, n := range s.Networks {
				if _, shared := p.Services["gateway"].Networks[network]; n != nil && shared {
					for _, alias := range n.Aliases {
						names[alias] = true
					}
				}
			}
		}
		for _, variable := range want {
			u, err := url.Parse(*p.Services["gateway"].Environment[variable])
			if err != nil || !names[u.Hostname()] || u.Port() != "8000" {
				t.Errorf("%s: nothing is at %s, %v (%v)", name, variable, u, err)
			}
		}
	}
}

// TestMockRuns runs the stand-in model server as the stack does.
func TestMockRuns(t *testing.T) {
	args := slices.Clone([]string(stacks["mock"].project(t).Services["mock-vllm"].Command))
	i := slices.Index(args, ":8000")
	if i < 0 {
		t.Fatalf("it is run with %v", args)
	}
	args[i] = "127.0.0.1:" + deploytest.FreePort(t)
	deploytest.Start(t, deploytest.Command(nil, append([]string{deploytest.Binary(t)}, args...)...)).Await(t, "listens on")
}

// TestHealthcheckOfGateways asks where the gateways of the stack answer.
func TestHealthcheckOfGateways(t *testing.T) {
	gateway := stacks["alone"].project(t).Services["gateway"]
	u, err := url.Parse(gateway.HealthCheck.Test[len(gateway.HealthCheck.Test)-1])
	if err != nil || *gateway.Environment["MANAGEMENT_ADDRESS"] != ":"+u.Port() {
		t.Errorf("the health check asks %v, and the gateway answers on %s (%v)", u, *gateway.Environment["MANAGEMENT_ADDRESS"], err)
	}
	if !slices.Equal(gateway.HealthCheck.Test[:3], []string{"CMD", "/usr/local/bin/token-rate-limiter", "healthcheck"}) {
		t.Errorf("the health check is %v", gateway.HealthCheck.Test)
	}
}

// TestLoadBalancer has haproxy judge its configuration.
func TestLoadBalancer(t *testing.T) {
	out := deploytest.Output(t, deploytest.Command(nil, deploytest.Need(t, "haproxy"), "-c", "-f", deploytest.Path(t, "docker/haproxy/haproxy.cfg")))
	if strings.Contains(out, "WARNING") {
		t.Error(out)
	}
}

// TestLoadBalancerIsPatient: the load balancer waits longer than the gateway, so that it is the
// gateway that ends a request, and settles it.
func TestLoadBalancerIsPatient(t *testing.T) {
	p := stacks["alone"].project(t)
	env := append(environment(p.Services["gateway"], secretsIn(t, p)), "PROFILE=docker")
	gateway := durations(t, `(?m)^ +(?:response|first-byte)-timeout: (\S+)$`,
		deploytest.Output(t, deploytest.Command(env, deploytest.Binary(t), "check", "--config", deploytest.Path(t, "configs"))))
	text, err := os.ReadFile(deploytest.Path(t, "docker/haproxy/haproxy.cfg"))
	if err != nil {
		t.Fatal(err)
	}
	balancer := durations(t, `(?m)^\ttimeout (?:server|client) (\S+)$`, string(text))
	if slices.Min(balancer) <= slices.Max(gateway) {
		t.Errorf("the load balancer waits for %v, and gateways for %v", balancer, gateway)
	}
}

// durations returns what the pattern's group matches, of which there must be two at least.
func durations(t *testing.T, pattern, text string) []time.Duration {
	t.Helper()
	var all []time.Duration
	for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
		d, err := time.ParseDuration(m[1])
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, d)
	}
	if len(all) < 2 {
		t.Fatalf("%s is there %d times only", pattern, len(all))
	}
	return all
}

// TestRedis starts a real server by the stack's own command, with the secret where the test has
// put it, and asks it.
func TestRedis(t *testing.T) {
	deploytest.Need(t, "redis-server")
	p := stacks["alone"].project(t)
	service, secrets, dir, port := p.Services["redis"], secretsIn(t, p), t.TempDir(), deploytest.FreePort(t)
	text, err := os.ReadFile(deploytest.Path(t, "docker/redis/redis.conf"))
	if err != nil {
		t.Fatal(err)
	}
	conf := filepath.Join(dir, "redis.conf")
	if err := os.WriteFile(conf, append(text, "\nbind 127.0.0.1\nport "+port+"\n"...), 0o600); err != nil {
		t.Fatal(err)
	}
	adapt := strings.NewReplacer("/usr/local/etc/redis/redis.conf", conf, "/run/secrets", secrets, "redis-cli", "redis-cli -p "+port)
	var command []string
	for _, c := range service.Command {
		command = append(command, adapt.Replace(strings.ReplaceAll(c, "$$", "$")))
	}
	if mounted := service.Volumes[0].Target; service.WorkingDir != mounted {
		t.Errorf("it works in %s, and its volume is at %s", service.WorkingDir, mounted)
	}
	cmd := deploytest.Command(nil, command...)
	cmd.Dir = dir
	server := deploytest.Start(t, cmd)
	server.Await(t, "Ready to accept connections")
	ask := func(password string, args ...string) string {
		cmd := deploytest.Command([]string{"REDISCLI_AUTH=" + password}, append([]string{"redis-cli", "-p", port}, args...)...)
		return deploytest.Output(t, cmd)
	}
	for setting, want := range map[string]string{"maxmemory-policy": "noeviction", "appendonly": "yes", "maxmemory": "268435456"} {
		if got := strings.Fields(ask("s3cret", "config", "get", setting)); len(got) != 2 || got[1] != want {
			t.Errorf("%s is %v, want %s", setting, got, want)
		}
	}
	if got := ask("", "ping"); !strings.Contains(got, "NOAUTH") {
		t.Errorf("without the password it says %q", got)
	}
	cmdline, err := os.ReadFile("/proc/" + strconv.Itoa(server.PID()) + "/cmdline")
	if err != nil || strings.Contains(string(cmdline), "s3cret") || !strings.HasPrefix(string(cmdline), "redis-server") {
		t.Errorf("whoever may list processes reads %q (%v)", cmdline, err)
	}
	test := service.HealthCheck.Test
	if test[0] != "CMD-SHELL" {
		t.Fatalf("the health check is %v", test)
	}
	deploytest.Output(t, deploytest.Command(nil, "sh", "-c", adapt.Replace(strings.ReplaceAll(test[1], "$$", "$"))))
}

// TestMonitoring has Prometheus and Alertmanager judge their configurations.
func TestMonitoring(t *testing.T) {
	for _, args := range [][]string{
		{"promtool", "check", "config", "monitoring/prometheus/prometheus.yml"},
		{"promtool", "check", "rules", "monitoring/prometheus/alert-rules.yml", "monitoring/prometheus/recording-rules.yml"},
		{"amtool", "check-config", "monitoring/alertmanager/alertmanager.yml"},
	} {
		deploytest.Need(t, args[0])
		cmd := deploytest.Command(nil, args...)
		cmd.Dir = deploytest.Root
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%v: %v\n%s", args, err, out)
		}
	}
}

// TestSecretsAreMade runs the commands that docker/secrets/README has: they make the secrets that
// stacks want, and no others, readable by the programs in the containers.
func TestSecretsAreMade(t *testing.T) {
	text, err := os.ReadFile(deploytest.Path(t, "docker/secrets/README"))
	if err != nil {
		t.Fatal(err)
	}
	script := "set -e\n"
	for line := range strings.Lines(string(text)) {
		if command, is := strings.CutPrefix(line, "    "); is {
			script += command
		}
	}
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "docker/secrets"), 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := deploytest.Command(nil, "sh", "-c", script)
	cmd.Dir = dir
	deploytest.Output(t, cmd)
	for name, s := range stacks["monitoring"].project(t).Secrets {
		made, err := os.Stat(filepath.Join(dir, "docker/secrets", filepath.Base(s.File)))
		if err != nil || made.Mode().Perm() != 0o644 || made.Size() < 33 {
			t.Errorf("the secret %s: %v %v", name, made, err)
		}
	}
}
