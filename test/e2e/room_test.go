package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// TestIdleAccountsMakeRoomForAnotherModelsUsers fills the memory store with users of
// one model, whose accounts are idle when their requests have ended. Users of another
// model get their own then, until all count; who comes later shares one.
func TestIdleAccountsMakeRoomForAnotherModelsUsers(t *testing.T) {
	t.Parallel()
	const most, other = 20, "gpt-3.5-turbo"
	_, server := newModelServer(t)
	g := start(t, "serve", "--config", folder(t, map[string]string{"application.yml": fmt.Sprintf(`
server: {address: "127.0.0.1:0"}
auth: {enabled: false}
token: {rate-limit: {max-accounts: %d, models: {%s: {max-concurrent-requests-per-user: 2}, %s: {max-requests-per-hour: 1}}}}
vllm: {services: {%[2]s: {endpoints: [%[4]q]}, %[3]s: {endpoints: [%[4]q], served-as: %[2]s}}}
`, most, model, other, server)}))
	c := newClient(t, "http://"+g.address(t))
	streams := make([]*stream, most)
	for i := range streams { // all at once, so that none makes room for another
		streams[i] = c.listen(t, chat{user: fmt.Sprint("user", i), tokens: 1000, pace: 1000})
	}
	for _, s := range streams {
		s.leave()
	}
	eventually(t, patience, "no request is running", func() bool {
		return c.metricValue("token_concurrent_requests", fmt.Sprintf("model=%q", model)) == 0
	})
	// Each may send one request, and those without an account one together.
	served := 0
	for i := range most + 5 {
		switch a := c.send(t.Context(), chat{user: fmt.Sprint("user", i), model: other, tokens: 1}); a.status {
		case http.StatusOK:
			served++
		case http.StatusTooManyRequests:
		default:
			t.Fatalf("%d %s", a.status, a.body)
		}
	}
	if served != most+1 {
		t.Errorf("%d of %d users of %s were served, want %d with accounts and one beside them", served, most+5, other, most)
	}
	for _, line := range []string{fmt.Sprint("\nrate_limit_accounts ", most), "\nrate_limit_accounts_full 1"} {
		if _, text := c.get("/actuator/prometheus"); !strings.Contains(text, line+"\n") {
			t.Errorf("the metrics do not say %q", strings.TrimSpace(line))
		}
	}
}
