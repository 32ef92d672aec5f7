package script_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/test/deploy/deploytest"
)

// Keys of the gateway, by their users.
const (
	aliceKey = "0123456789abcdef0123456789abcdef"
	bobKey   = "abcdef0123456789abcdef0123456789"
	adminKey = "fedcba9876543210fedcba9876543210"
)

// gateway is the real program with a model of its own, on a Redis.
type gateway struct {
	process *deploytest.Process
	base    string
}

var listening = regexp.MustCompile(`"msg":"listening","address":"([^"]+)"`)

func startGateway(t *testing.T, redis *redisServer) *gateway {
	t.Helper()
	program, folder := deploytest.Binary(t), t.TempDir()
	text := fmt.Sprintf(`
server: {address: "127.0.0.1:0"}
redis: {host: 127.0.0.1, port: %s, password: %q, timeout: 5s}
vllm: {services: {llama2-7b: "mock:"}}
token: {rate-limit: {models: {llama2-7b: {max-tokens-per-hour: 3000, max-tokens-per-day: 9000, max-concurrent-requests: 10}}}}
auth:
  api-keys:
    - {name: alice, user: alice, hash: %q}
    - {name: bob, user: bob, hash: %q}
    - {name: operator, user: root, roles: [admin], hash: %q}
`, redis.port, password, hash(t, program, aliceKey), hash(t, program, bobKey), hash(t, program, adminKey))
	if err := os.WriteFile(filepath.Join(folder, "application.yml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	g := &gateway{process: start(t, program, "serve", "--config", folder)}
	deploytest.Eventually(t, "the gateway is ready", func() bool {
		m := listening.FindStringSubmatch(g.process.Output())
		if m == nil {
			return false
		}
		g.base = "http://" + m[1]
		answer, err := http.Get(g.base + "/actuator/health/readiness")
		if err != nil {
			return false
		}
		defer answer.Body.Close()
		return answer.StatusCode == http.StatusOK
	})
	return g
}

func hash(t *testing.T, program, key string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program, "key", "hash")
	cmd.Stdin = strings.NewReader(key)
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

// chat asks for an answer of so many tokens and returns the status.
func (g *gateway) chat(t *testing.T, key string, tokens int) int {
	t.Helper()
	body := fmt.Sprintf(`{"model":"llama2-7b","max_tokens":%d,"messages":[{"role":"user","content":"Tell me something."}]}`, tokens)
	answer := g.do(t, http.MethodPost, "/v1/chat/completions", key, body)
	defer answer.Body.Close()
	_, _ = io.Copy(io.Discard, answer.Body)
	return answer.StatusCode
}

func (g *gateway) do(t *testing.T, method, path, key, body string) *http.Response {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, g.base+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+key)
	request.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

// books are the tokens that users have used, by user and window.
type books map[string]int64

// books asks once all is settled: nothing is reserved.
func (g *gateway) books(t *testing.T) books {
	t.Helper()
	var all books
	deploytest.Eventually(t, "nothing is reserved", func() bool {
		all = books{}
		for _, user := range []string{"alice", "bob"} {
			answer := g.do(t, http.MethodGet, "/api/v1/admin/token-usage/llama2-7b/"+user, adminKey, "")
			var usage struct {
				Windows []struct {
					Window         string
					Used, Reserved int64
				}
			}
			err := json.NewDecoder(answer.Body).Decode(&usage)
			answer.Body.Close()
			if err != nil || len(usage.Windows) != 2 {
				t.Fatalf("the usage of %s is %+v (%v)", user, usage, err)
			}
			for _, w := range usage.Windows {
				if w.Reserved != 0 {
					return false
				}
				all[user+" "+w.Window] = w.Used
			}
		}
		return true
	})
	return all
}
