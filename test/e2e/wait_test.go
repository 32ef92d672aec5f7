package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestWait: a command with --wait ends when both gateways have applied its change. Where one does
// not it fails, names that one, and says that the change is made.
func TestWait(t *testing.T) {
	t.Parallel()
	configs, admin, here, there := twoGateways(t, "")
	run := func(want int, args ...string) (stdout, stderr string) {
		t.Helper()
		return runCommand(t, configs, want, args...)
	}
	both := func(key string, want int) {
		t.Helper()
		for i, g := range []*gateway{here, there} {
			if status := g.chat(t, key); status != want {
				t.Errorf("gateway %d answers %d, want %d", i, status, want)
			}
		}
	}
	first, said := run(0, "key", "create", "--user", "alice", "--name", "laptop", "--wait")
	both(first, http.StatusOK)
	if !strings.Contains(said, "gateways that have applied it: 2") {
		t.Errorf("it says %s", said)
	}
	id := strings.Fields(said)[2]
	second, _ := run(0, "key", "rotate", id, "--wait=20s")
	both(first, http.StatusUnauthorized)
	both(second, http.StatusOK)

	answer := here.manage(t, admin, "GET", "/revision", "", 200)
	there.signal(syscall.SIGSTOP)
	begun := time.Now()
	_, said = run(1, "key", "revoke", id, "--wait=1s")
	if took := time.Since(begun); took < time.Second {
		t.Errorf("it has waited for %v", took)
	}
	if status := here.chat(t, second); status != http.StatusUnauthorized {
		t.Errorf("the gateway that goes on answers %d", status)
	}
	there.signal(syscall.SIGCONT)
	other := ""
	for _, r := range answer["replicas"].([]any) {
		if id := fmt.Sprint(r.(map[string]any)["id"]); id != answer["replica"] {
			other = id
		}
	}
	if !strings.Contains(said, "the change is made (revision 4), and after 1s not everywhere: "+other+" has applied 3:") || strings.Contains(said, fmt.Sprint(answer["replica"])) {
		t.Errorf("while %s stands still it says %s", other, said)
	}
	for _, g := range []*gateway{here, there} {
		g.signal(syscall.SIGTERM)
		if code := g.wait(t); code != 0 {
			t.Errorf("a gateway ended with %d", code)
		}
	}
	if _, said = run(1, "key", "create", "--user", "alice", "--name", "x", "--wait=100ms"); !strings.Contains(said, "(revision 5), and within 100ms no gateway has told") {
		t.Errorf("without a gateway it says %s", said)
	}
}
