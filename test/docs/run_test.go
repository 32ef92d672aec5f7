package docs_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/identity"
	"github.com/token-rate-limiter/token-rate-limiter/internal/mockvllm"
	"github.com/token-rate-limiter/token-rate-limiter/internal/redistest"
	"github.com/token-rate-limiter/token-rate-limiter/internal/tlstest"
)

const (
	buildPatience = 5 * time.Minute // of a binary, with nothing cached
	startPatience = 30 * time.Second
	runPatience   = 2 * time.Minute // of all commands of a document
)

// checkout is a copy of what the commands need, in which they are run: they leave
// files.
type checkout struct {
	folder string
	tools  string // a folder in front of PATH
	redis  *redistest.Server
}

// newCheckout copies the code and the configuration. Addresses that are fixed there
// are free ones in the copy.
func newCheckout(t *testing.T) *checkout {
	t.Helper()
	c := &checkout{folder: t.TempDir(), tools: t.TempDir(), redis: redistest.Start(t)}
	for _, folder := range []string{"cmd", "internal", "configs"} {
		if err := os.CopyFS(filepath.Join(c.folder, folder), os.DirFS(filepath.Join(root, folder))); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.MkdirAll(filepath.Join(c.folder, "docker/secrets"), 0o700); err != nil { // where documents make some
		t.Fatal(err)
	}
	for _, file := range []string{"Makefile", "go.mod", "go.sum"} {
		b, err := os.ReadFile(filepath.Join(root, file))
		if err != nil {
			t.Fatal(err)
		}
		c.write(t, file, string(b))
	}
	c.replace(t, "configs/application-dev.yml", "address: 127.0.0.1:8080", "address: 127.0.0.1:0")
	c.replace(t, "configs/application-prod.yml", "server:\n", "server:\n  address: 127.0.0.1:0\n")
	real, err := exec.LookPath("curl")
	if err != nil {
		t.Fatal("the commands of the documents need curl: make needs")
	}
	// Every status is told, as a line of standard error.
	wrapper := fmt.Sprintf("#!/bin/sh\nexec %s --max-time 30 -w '%%{stderr}\\n@@status %%{http_code}\\n' \"$@\"\n", real)
	if err := os.WriteFile(filepath.Join(c.tools, "curl"), []byte(wrapper), 0o700); err != nil {
		t.Fatal(err)
	}
	return c
}

func (c *checkout) write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(c.folder, file), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// replace replaces what is in a file of the copy.
func (c *checkout) replace(t *testing.T, file, old, by string) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(c.folder, file))
	if err != nil || !strings.Contains(string(b), old) {
		t.Fatalf("%s has no %q (%v)", file, old, err)
	}
	c.write(t, file, strings.Replace(string(b), old, by, 1))
}

// shell returns a script of bash in the copy.
func (c *checkout) shell(ctx context.Context, script string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "bash", "-c", script)
	cmd.Dir = c.folder
	cmd.Env = append(slices.DeleteFunc(os.Environ(), func(v string) bool {
		return strings.HasPrefix(v, "REDIS_") || strings.HasPrefix(v, "TOKEN_RATE_LIMITER_")
	}), "PATH="+c.tools+":"+os.Getenv("PATH"), "CGO_ENABLED=0")
	return cmd
}

var listening = regexp.MustCompile(`"?msg"?[=:]"?listening"? ?,?"?address"?[=:]"?(127\.0\.0\.1:\d+)`)

// server is a command that runs until the test ends.
type server struct {
	address string
	pid     int
}

// serve starts a command that runs a gateway, with its log in a file of the copy,
// and waits until it listens.
func (c *checkout) serve(t *testing.T, command, log string, patience time.Duration) server {
	t.Helper()
	cmd := c.shell(context.Background(), "exec "+command)
	file, err := os.Create(filepath.Join(c.folder, log))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	cmd.Stdout, cmd.Stderr = file, file
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // make has children
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait() // make reports that its child was interrupted
		close(ended)
	}()
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGINT)
		select {
		case <-ended:
		case <-time.After(startPatience):
			_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
			t.Errorf("%s does not end", command)
		}
	})
	deadline := time.Now().Add(patience)
	for {
		text, err := os.ReadFile(filepath.Join(c.folder, log))
		if err != nil {
			t.Fatal(err)
		}
		if m := listening.FindSubmatch(text); m != nil {
			return server{string(m[1]), cmd.Process.Pid}
		}
		select {
		case <-ended:
			t.Fatalf("%s has ended:\n%s", command, text)
		case <-time.After(20 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s does not listen:\n%s", command, text)
		}
	}
}

// The keys that documents speak of.
const (
	aliceKey = "0123456789abcdef0123456789abcdef"
	adminKey = "fedcba9876543210fedcba9876543210"
)

// guarded starts a gateway as documents for operators assume it: with keys, a Redis
// and a model server, and further settings of its listener.
func (c *checkout) guarded(t *testing.T, name, further string) server {
	t.Helper()
	mock := mockvllm.New(mockvllm.Options{Models: []mockvllm.Model{{Name: "llama2-7b"}}})
	model := httptest.NewServer(mock)
	t.Cleanup(func() {
		mock.Close()
		model.Close()
	})
	if err := os.MkdirAll(filepath.Join(c.folder, name), 0o700); err != nil {
		t.Fatal(err)
	}
	c.write(t, name+"/application.yml", fmt.Sprintf(`
server: {address: "127.0.0.1:0", data-directory: %s-data%s}
management: {pprof: true}
redis: {host: 127.0.0.1, port: %d, timeout: 5s}
vllm: {services: {llama2-7b: {endpoints: [%q]}}}
token: {rate-limit: {models: {llama2-7b: {max-tokens-per-minute: 100000, max-concurrent-requests: 10}}}}
auth:
  api-keys:
    - {name: alice-laptop, user: alice, hash: %q}
    - {name: operator, user: root, roles: [user, admin], hash: %q}
  jwt: {issuers: [{issuer: portal, audiences: [gateway], algorithms: [HS256], types: [JWT], secret: %q}]}
`, name, further, c.redis.Port(), model.URL, hash(t, aliceKey), hash(t, adminKey), jwtSecret))
	return c.serve(t, "bin/token-rate-limiter serve --config "+name, name+".log", startPatience)
}

func hash(t *testing.T, key string) string {
	t.Helper()
	h, err := identity.HashKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// jwtSecret is what the issuer of JWTs in documents signs with.
const jwtSecret = "0123456789abcdef0123456789abcdef"

// openly are the documents of developers, whose gateway is the one of make run.
var openly = []string{"README.md", "docs/adr/0009-least-heap.md", "docs/migration.md"}

// TestCommandsOfDocuments runs what the documents say, in their order, against
// gateways of its own: that of make run, one with keys, and one with a certificate.
// The Korean versions have the same commands: TestKoreanIsTheSameDocument.
func TestCommandsOfDocuments(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds the binary")
	}
	c := newCheckout(t)
	open := c.serve(t, "make run", "run.log", buildPatience)
	c.serve(t, "env REDIS_HOST=127.0.0.1 REDIS_PORT="+strconv.Itoa(c.redis.Port())+" make run-prod", "run-prod.log", buildPatience)
	guarded := c.guarded(t, "gateway", "")
	pair := tlstest.New(t)
	encrypted := c.guarded(t, "encrypted", ", tls: "+pair.YAML())
	certificate, err := os.ReadFile(pair.Certificate)
	if err != nil {
		t.Fatal(err)
	}
	c.write(t, "tls.crt", string(certificate))

	for _, d := range documents(t) {
		if strings.HasSuffix(d.path, ".ko.md") || len(d.shellBlocks()) == 0 {
			continue
		}
		t.Run(strings.ReplaceAll(d.path, "/", " "), func(t *testing.T) {
			c.write(t, "alice.key", aliceKey+"\n") // another document may have made its own
			c.write(t, "admin.key", adminKey+"\n")
			at := guarded.address
			if slices.Contains(openly, d.path) {
				at = open.address
			}
			c.run(t, d, strings.NewReplacer(
				"127.0.0.1:8080", at, "127.0.0.1:9090", at, "127.0.0.1:8443", encrypted.address, "gateway.example.com", "gateway.test",
				"redis-cli ", "redis-cli -p "+strconv.Itoa(c.redis.Port())+" ",
				`"$(pidof token-rate-limiter)"`, strconv.Itoa(guarded.pid), // and nobody else's
				"bin/token-rate-limiter usage llama2-7b", "bin/token-rate-limiter usage --url http://"+at+" llama2-7b",
				"token explain --config configs", "token explain --config gateway",
				"bob --config configs", "bob --config gateway", "user list --config configs", "user list --config gateway",
				"[1-20000]", "[1-20]",
			))
		})
	}
}

// run runs the commands of a document as one script, which ends at the first that
// fails, and compares the statuses of answers with those that are announced.
func (c *checkout) run(t *testing.T, d document, replace *strings.Replacer) {
	var script strings.Builder
	script.WriteString(replace.Replace("export GATEWAY=http://127.0.0.1:8080 KEY=" + aliceKey + " ADMIN_KEY=" + adminKey + " JWT_SECRET=" + jwtSecret + "\n"))
	script.WriteString("set -E\ntrap 'echo \"@@failed $BASH_COMMAND\" >&2; exit 1' ERR\n")
	var wanted [][]string // statuses of errors, by block
	n := 0
	for i, f := range d.shellBlocks() {
		fmt.Fprintf(&script, "echo '@@block %d' >&2\n", i)
		wanted = append(wanted, nil)
		for _, command := range commands(f) {
			if command.kind() == isRun {
				n++
				script.WriteString(replace.Replace(command.text) + "\n")
				wanted[i] = append(wanted[i], command.statuses...)
			}
		}
	}
	if n == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(t.Context(), runPatience)
	defer cancel()
	cmd := c.shell(ctx, script.String())
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v:\n%s\nit wrote\n%s%s", err, script.String(), tail(out.String()), tail(errs.String()))
	}
	for i, part := range strings.Split(errs.String(), "@@block ")[1:] {
		var got []string
		for _, m := range regexp.MustCompile(`@@status (\d+)`).FindAllStringSubmatch(part, -1) {
			if m[1] < "200" || m[1] >= "300" {
				got = append(got, m[1])
			}
		}
		if !slices.Equal(got, wanted[i]) {
			t.Errorf("the answers that are errors are %q, announced are %q:\n%s\n%s", got, wanted[i], d.shellBlocks()[i], tail(out.String()))
		}
	}
	t.Logf("%d commands", n)
}

// tail returns the last part of a long text.
func tail(s string) string {
	if const4k := 4000; len(s) > const4k {
		return "...\n" + s[len(s)-const4k:]
	}
	return s
}
