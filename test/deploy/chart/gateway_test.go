package chart

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/test/deploy/deploytest"
)

// TestGateway runs the gateway with the chart's configuration, its Redis and the stand-in model
// server, each started as the chart says: the probes' paths answer, a request is served, a model
// that comes with a changed ConfigMap too, and SIGTERM ends it all.
func TestGateway(t *testing.T) {
	values := []string{"--set", "config.server.drain-delay=0s", "--set", "config.auth.enabled=false"}
	redis := redisOfChart(t, "correct-horse-battery")
	redis.start()
	model := runningModel(t, render(t, values...))
	g := newRunning(t, redis, model, values)

	for name, path := range g.probes() {
		g.eventually(name, g.management+path, http.StatusOK)
	}
	g.eventually("probes on the clients' port", g.clients+"/actuator/health/liveness", http.StatusNotFound)
	if status := g.ask("mock"); status != http.StatusOK {
		t.Errorf("a request is answered with %d", status)
	}
	if status := g.ask("new"); status != http.StatusNotFound {
		t.Errorf("a model that is not there is answered with %d", status)
	}
	g.configure(append(values, "--set", "config.vllm.services.new="+model, "--set", "config.vllm.services.mock="+model))
	deploytest.Eventually(t, "the changed ConfigMap has an effect", func() bool { return g.ask("new") != http.StatusNotFound })
	g.process.Signal(syscall.SIGTERM)
	if code, ended := g.process.Ended(deploytest.Patience); !ended || code != 0 {
		t.Errorf("told to end by SIGTERM: it has ended: %t, with %d", ended, code)
	}
}

// running is a gateway in a process of its own, with a folder that changes as a mounted ConfigMap does.
type running struct {
	*testing.T
	folder              string
	clients, management string // addresses
	stand               *strings.Replacer
	deployment          manifest
	process             *deploytest.Process
	versions            int
}

func newRunning(t *testing.T, redis *redisServer, model string, values []string) *running {
	t.Helper()
	clients, management := "127.0.0.1:"+deploytest.FreePort(t), "127.0.0.1:"+deploytest.FreePort(t)
	g := &running{
		T: t, folder: t.TempDir(), clients: "http://" + clients, management: "http://" + management,
		stand: strings.NewReplacer("address: :8080", "address: "+clients, "address: :9090", "address: "+management,
			"host: gateway-token-rate-limiter-redis", "host: 127.0.0.1", "port: 6379", "port: "+redis.port,
			"http://vllm-mock-service:8000", model),
	}
	g.configure(values)
	c := g.deployment.Spec.Template.Spec.Containers[0]
	args := strings.Split(strings.ReplaceAll(strings.Join(c.Args, " "), "/etc/token-rate-limiter", g.folder), " ")
	g.process = start(t, args, "PROFILE=", "REDIS_PASSWORD="+redis.password)
	return g
}

// start runs the gateway's binary with variables of its own only, as in a container.
func start(t *testing.T, args []string, env ...string) *deploytest.Process {
	t.Helper()
	cmd := exec.Command(deploytest.Binary(t), args...)
	cmd.Env = env
	return deploytest.Start(t, cmd)
}

// runningModel returns the address of the stand-in model server.
func runningModel(t *testing.T, rendered string) string {
	t.Helper()
	address := "127.0.0.1:" + deploytest.FreePort(t)
	args := named(t, rendered, "Deployment", "vllm-mock").Spec.Template.Spec.Containers[0].Args
	start(t, strings.Split(strings.ReplaceAll(strings.Join(args, " "), ":8000", address), " "))
	return "http://" + address
}

// configure renders the chart and puts its configuration in place as a kubelet does: the files are
// links by way of a link, which is replaced.
func (g *running) configure(values []string) {
	g.Helper()
	rendered := render(g.T, values...)
	g.deployment = named(g.T, rendered, "Deployment", "gateway-token-rate-limiter")
	g.versions++
	version := fmt.Sprintf("..version-%d", g.versions)
	if err := os.Mkdir(filepath.Join(g.folder, version), 0o755); err != nil {
		g.Fatal(err)
	}
	for name, content := range configMap(g.T, rendered, "gateway-token-rate-limiter") {
		if err := os.WriteFile(filepath.Join(g.folder, version, name), []byte(g.stand.Replace(content)), 0o644); err != nil {
			g.Fatal(err)
		}
		_ = os.Symlink("..data/"+name, filepath.Join(g.folder, name)) // it is there the second time
	}
	if err := os.Symlink(version, filepath.Join(g.folder, "..next")); err != nil {
		g.Fatal(err)
	}
	if err := os.Rename(filepath.Join(g.folder, "..next"), filepath.Join(g.folder, "..data")); err != nil {
		g.Fatal(err)
	}
}

// probes returns the paths of the probes, which all must go to the management port.
func (g *running) probes() map[string]string {
	c := g.deployment.Spec.Template.Spec.Containers[0]
	paths := map[string]string{}
	for name, p := range map[string]probe{"startup": c.StartupProbe, "readiness": c.ReadinessProbe, "liveness": c.LivenessProbe} {
		if p.HTTPGet.Port != "management" {
			g.Errorf("the %s probe goes to %q", name, p.HTTPGet.Port)
		}
		paths[name] = p.HTTPGet.Path
	}
	return paths
}

// eventually waits for an answer's status.
func (g *running) eventually(what, url string, want int) {
	g.Helper()
	var said string
	for deadline := time.Now().Add(deploytest.Patience); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		answer, err := http.Get(url)
		if err != nil {
			said = err.Error()
			continue
		}
		_ = answer.Body.Close()
		if answer.StatusCode == want {
			return
		}
		said = answer.Status
	}
	g.Fatalf("%s: %s answers %s, not %d", what, url, said, want)
}

// ask returns the status of a chat's answer.
func (g *running) ask(model string) int {
	g.Helper()
	body, err := json.Marshal(map[string]any{"model": model, "messages": []map[string]string{{"role": "user", "content": "Hello"}}})
	if err != nil {
		g.Fatal(err)
	}
	answer, err := http.Post(g.clients+"/v1/chat/completions", "application/json", bytes.NewReader(body))
	if err != nil {
		g.Fatal(err)
	}
	defer answer.Body.Close()
	_, _ = io.Copy(io.Discard, answer.Body)
	return answer.StatusCode
}
