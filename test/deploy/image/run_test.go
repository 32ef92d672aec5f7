package image_test

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/test/deploy/deploytest"
)

// container is an image's files as a process sees them that is run from it.
type container struct {
	config config
	root   string
}

// inContainer is the shell's part of that: the root is mounted so that nothing can be written,
// and the program loses what root may before it begins. $1 is the root, $2 the user, $3 the
// folder that it begins in.
const inContainer = `set -e
PATH=/usr/sbin:/usr/bin:/sbin:/bin
root=$1 user=$2 folder=$3
shift 3
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount -o remount,ro,bind "$root"
exec setpriv --clear-groups --no-new-privs \
  unshare --root="$root" --wd="$folder" --setgid="${user#*:}" --setuid="${user%:*}" \
  "$0" "$@"`

// command returns the image's entry point with args, in its environment and env.
func (c container) command(env []string, args ...string) *exec.Cmd {
	args = append(c.config.Entrypoint[1:len(c.config.Entrypoint):len(c.config.Entrypoint)], args...)
	cmd := exec.Command("unshare", append([]string{"--mount", "--ipc", "--uts", "/bin/sh", "-c", inContainer,
		c.config.Entrypoint[0], c.root, c.config.User, c.config.WorkingDir}, args...)...)
	cmd.Env = append(c.config.Env, env...)
	return cmd
}

// checkRuns runs the image as its user, with a root that cannot be written: the stand-in model
// server and a gateway, which serves, and whose own health check says so.
func checkRuns(t *testing.T, i image, root string) {
	t.Helper()
	if err := os.Mkdir(filepath.Join(root, "proc"), 0o755); err != nil { // which an engine makes
		t.Fatal(err)
	}
	c := container{i.config.Config, root}
	model, redis, gateway := deploytest.FreePort(t), deploytest.FreePort(t), deploytest.FreePort(t)
	deploytest.Start(t, c.command(nil, "mock-vllm", "--address", "127.0.0.1:"+model, "--model", "llama2-7b")).Await(t, "listens on")
	deploytest.Start(t, deploytest.Command(nil, deploytest.Need(t, "redis-server"), "--bind", "127.0.0.1", "--port", redis, "--save", "", "--dir", t.TempDir()))
	url := "http://127.0.0.1:" + gateway
	check := append(i.config.Config.Healthcheck.Test[2:], "--url", url)
	if out, err := c.command(nil, check...).CombinedOutput(); err == nil {
		t.Errorf("the health check succeeds where there is no gateway: %s", out)
	}
	g := deploytest.Start(t, c.command([]string{
		"TZ=Asia/Seoul", "AUTH_ENABLED=false", "REDIS_HOST=127.0.0.1", "REDIS_PORT=" + redis, "LLAMA2_7B_URL=http://127.0.0.1:" + model,
	}, append(i.config.Config.Cmd, "--address", "127.0.0.1:"+gateway)...))
	g.Await(t, `"msg":"listening"`)
	if !strings.Contains(g.Output(), "+09:00") {
		t.Errorf("the program does not know the time zone of Seoul:\n%s", g.Output())
	}
	checkConfined(t, g.PID())
	deploytest.Eventually(t, "the health check succeeds", func() bool { return c.command(nil, check...).Run() == nil })
	body := `{"model":"llama2-7b","messages":[{"role":"user","content":"Hello"}]}`
	deploytest.Eventually(t, "a chat is answered", func() bool {
		r, err := http.Post(url+"/v1/chat/completions", "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		defer r.Body.Close()
		return r.StatusCode == http.StatusOK
	})
	g.Signal(syscall.SIGTERM)
	if code, ended := g.Ended(deploytest.Patience); !ended || code != 0 {
		t.Errorf("the gateway ended with %d (%t)", code, ended)
	}
}

// checkEmulated runs the program of an image for another architecture, which tells its version and takes the
// configuration that comes with it.
func checkEmulated(t *testing.T, i image, root, arch string) {
	t.Helper()
	run := func(args ...string) string {
		emulator := []string{deploytest.Need(t, emulators[arch]), filepath.Join(root, binary)}
		return deploytest.Output(t, deploytest.Command(i.config.Config.Env, append(emulator, args...)...))
	}
	if said, version := run("version"), i.config.Config.Labels["org.opencontainers.image.version"]; !strings.HasPrefix(said, "token-rate-limiter "+version+" ") {
		t.Errorf("the program of the image %s calls itself %q", version, said)
	}
	if said := run("check", "--config", filepath.Join(root, i.config.Config.WorkingDir, "configs")); !strings.Contains(said, "host: ") {
		t.Errorf("the program for %s takes its configuration as\n%s", arch, said)
	}
}

// checkConfined wants a process to be the image's user, without any right of root, and with a
// root that cannot be written.
func checkConfined(t *testing.T, pid int) {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"Uid": "65532\t65532\t65532\t65532", "Gid": "65532\t65532\t65532\t65532", "Groups": "",
		"CapEff": "0000000000000000", "CapPrm": "0000000000000000", "NoNewPrivs": "1",
	} {
		m := regexp.MustCompile(`(?m)^` + name + `:[ \t]*(.*?)[ \t]*$`).FindSubmatch(status)
		if m == nil || string(m[1]) != want {
			t.Errorf("%s of the process is %q, want %q", name, m, want)
		}
	}
	for _, folder := range []string{"/", "/app/configs", "/usr/local/bin"} {
		err := os.WriteFile(fmt.Sprintf("/proc/%d/root%s/written", pid, folder), nil, 0o600)
		if !strings.Contains(fmt.Sprint(err), "read-only") {
			t.Errorf("even root can write into %s of the process: %v", folder, err)
		}
	}
}
