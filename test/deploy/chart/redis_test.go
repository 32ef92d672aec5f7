package chart

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/test/deploy/deploytest"
)

// TestRedis runs a real server as the chart starts its own, with a password and without.
func TestRedis(t *testing.T) {
	for n, password := range []string{"", "correct-horse-battery", `a "quoted' \one, #and $HOME`} {
		t.Run(fmt.Sprintf("password %d", n), func(t *testing.T) {
			s := redisOfChart(t, password)
			s.start()
			for key, want := range map[string]string{"appendonly": "yes", "appendfsync": "everysec", "maxmemory-policy": "noeviction", "maxmemory": "268435456"} {
				if got := s.cli("CONFIG", "GET", key); !strings.HasSuffix(got, "\n"+want) {
					t.Errorf("%s is %q", key, got)
				}
			}
			s.cli("SET", "key", "value")
			if password != "" {
				s.password = ""
				if got := s.cli("GET", "key"); !strings.Contains(got, "NOAUTH") {
					t.Errorf("without the password it answers %q", got)
				}
				s.password = password
			}
			if b, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", s.process.Process.Pid)); err != nil || password != "" && strings.Contains(string(b), password) {
				t.Errorf("its command line is %q, %v", b, err)
			}
			s.stop()
			s.start()
			if got := s.cli("GET", "key"); got != "value" {
				t.Errorf("after a restart the key is %q", got)
			}
		})
	}
}

// redisServer is a server in a process of its own.
type redisServer struct {
	*testing.T
	password, port string
	script         string
	process        *exec.Cmd
}

// redisOfChart returns the chart's server, with a folder and a port of its own.
func redisOfChart(t *testing.T, password string) *redisServer {
	t.Helper()
	rendered := render(t)
	const name = "gateway-token-rate-limiter-redis"
	c := named(t, rendered, "StatefulSet", name).Spec.Template.Spec.Containers[0]
	if strings.Join(c.Command, " ") != "sh -c" || len(c.Args) != 1 {
		t.Fatalf("it is started by %q with %q", c.Command, c.Args)
	}
	conf := configMap(t, rendered, name)["redis.conf"]
	port := deploytest.FreePort(t)
	file := write(t, "redis.conf", strings.ReplaceAll(conf, "dir /data", "dir "+t.TempDir())+"\nbind 127.0.0.1\nport "+port+"\n")
	return &redisServer{T: t, password: password, port: port, script: strings.ReplaceAll(c.Args[0], "/etc/redis/redis.conf", file)}
}

// start runs the server as a container would: by the shell, which it must replace, for signals go
// to the process that was started.
func (s *redisServer) start() {
	s.Helper()
	s.process = exec.Command("sh", "-c", s.script)
	s.process.Env = append(os.Environ(), "REDIS_PASSWORD="+s.password)
	s.process.Stderr = os.Stderr
	if err := s.process.Start(); err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { _ = s.process.Process.Kill() })
	for deadline := time.Now().Add(deploytest.Patience); s.cli("PING") != "PONG"; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			s.Fatalf("the server answers %q", s.cli("PING"))
		}
	}
	if program, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", s.process.Process.Pid)); err != nil || !strings.HasPrefix(filepath.Base(program), "redis-") {
		s.Fatalf("the process that was started is %s (%v)", program, err)
	}
}

// stop ends the server as Kubernetes does.
func (s *redisServer) stop() {
	s.Helper()
	if err := s.process.Process.Signal(syscall.SIGTERM); err != nil {
		s.Fatal(err)
	}
	if err := s.process.Wait(); err != nil {
		s.Errorf("ended by SIGTERM: %v", err)
	}
}

// cli returns what redis-cli prints.
func (s *redisServer) cli(args ...string) string {
	c := exec.Command("redis-cli", append([]string{"-h", "127.0.0.1", "-p", s.port}, args...)...)
	if s.password != "" {
		c.Env = append(os.Environ(), "REDISCLI_AUTH="+s.password)
	}
	out, _ := c.CombinedOutput()
	return strings.TrimSpace(string(out))
}
