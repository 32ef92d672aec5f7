package api_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/test/deploy/deploytest"
)

// Keys of the gateway, by their roles.
const (
	userKey  = "0123456789abcdef0123456789abcdef"
	adminKey = "fedcba9876543210fedcba9876543210"
)

// guarded starts a gateway with keys and a model, and returns its base URL.
func guarded(t *testing.T, program string) string {
	t.Helper()
	folder := t.TempDir()
	text := fmt.Sprintf(`
server: {address: "127.0.0.1:0", data-directory: %q}
vllm: {services: {llama2-7b: "mock:"}}
token: {rate-limit: {models: {llama2-7b: {max-tokens-per-hour: 1000000, max-concurrent-requests: 10}}}}
auth:
  api-keys:
    - {name: alice, user: alice, hash: %q}
    - {name: operator, user: root, roles: [admin], hash: %q}
`, t.TempDir(), hash(t, program, userKey), hash(t, program, adminKey))
	if err := os.WriteFile(filepath.Join(folder, "application.yml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return await(t, deploytest.Start(t, deploytest.Command(nil, program, "serve", "--config", folder)))
}

// open starts a gateway as `make run` does, on a free port, and returns its base URL.
func open(t *testing.T, program string) string {
	t.Helper()
	return await(t, deploytest.Start(t, deploytest.Command([]string{"DATA_DIRECTORY=" + t.TempDir()}, program,
		"serve", "--config", deploytest.Path(t, "configs"), "--profile", "dev", "--address", "127.0.0.1:0")))
}

var listening = regexp.MustCompile(`"?msg"?[=:]"?listening"?[ ,]"?address"?[=:]"?(127\.0\.0\.1:\d+)`)

// await waits until a gateway is ready, and returns its base URL.
func await(t *testing.T, p *deploytest.Process) string {
	t.Helper()
	var base string
	deploytest.Eventually(t, "the gateway is ready", func() bool {
		m := listening.FindStringSubmatch(p.Output())
		if m == nil {
			return false
		}
		base = "http://" + m[1]
		answer, err := http.Get(base + "/actuator/health/readiness")
		if err != nil {
			return false
		}
		defer answer.Body.Close()
		return answer.StatusCode == http.StatusOK
	})
	return base
}

func hash(t *testing.T, program, key string) string {
	t.Helper()
	cmd := deploytest.Command(nil, program, "key", "hash")
	cmd.Stdin = strings.NewReader(key)
	return strings.TrimSpace(deploytest.Output(t, cmd))
}
