package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/postgrestest"
)

// manage sends a request of a key to the control plane, wants a status, and returns the answer,
// whose members are texts as far as they are read here.
func (c client) manage(t testing.TB, key, method, path, body string, want int) map[string]any {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, c.base+"/api/v1/admin"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+key)
	if r.Header.Set("Content-Type", "application/json"); method == http.MethodPatch {
		r.Header.Set("Content-Type", "application/merge-patch+json")
	}
	response, err := c.http.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != want {
		t.Fatalf("%s %s is answered with %d, %v, want %d: %s", method, path, response.StatusCode, err, want, text)
	}
	var answer map[string]any
	if err := json.Unmarshal(text, &answer); err != nil {
		t.Fatalf("%s %s: %v: %s", method, path, err, text)
	}
	return answer
}

// chat returns the status of a request that a key sends.
func (c client) chat(t testing.TB, key string) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, c.base+"/v1/chat/completions",
		strings.NewReader(`{"model":"`+model+`","max_tokens":1,"messages":[{"role":"user","content":"hi"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+key)
	r.Header.Set("Content-Type", "application/json")
	response, err := c.http.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, response.Body)
	return response.StatusCode
}

// twoGateways serves one model by two gateways on one control database, and returns the folder of
// their configuration and a key of an admin. more is added to the configuration.
func twoGateways(t *testing.T, more string) (configs, admin string, here, there *gateway) {
	t.Helper()
	_, server := newModelServer(t)
	postgres := postgrestest.Start(t)
	configs = folder(t, map[string]string{"application.yml": fmt.Sprintf(
		"server: {address: '127.0.0.1:0'}\ndatabase: {url: %q}\nvllm: {services: {%s: %q}}\n%s", postgres.URL(t, "control"), model, server, more)})
	p := start(t, "bootstrap", "--config", configs)
	if code := p.wait(t); code != 0 {
		t.Fatalf("bootstrap ended with %d: %s", code, p.stderr.String())
	}
	admin = strings.TrimSpace(p.stdout.String())
	var all []*gateway
	for range 2 {
		p := start(t, "serve", "--config", configs)
		all = append(all, &gateway{p, newClient(t, "http://"+p.address(t))})
	}
	eventually(t, patience, "two replicas", func() bool {
		replicas, _ := all[0].manage(t, admin, "GET", "/revision", "", 200)["replicas"].([]any)
		return len(replicas) == 2
	})
	return configs, admin, all[0], all[1]
}

// TestKeysOverHTTP: a key that is issued at one of two gateways counts there with its answer, and
// at the other one when /revision says that it is everywhere; so do a rotation, a change of its
// reach and its end. Neither gateway tells a secret in its log, its metrics or its configuration.
func TestKeysOverHTTP(t *testing.T) {
	t.Parallel()
	_, admin, here, there := twoGateways(t, "")
	all := []*gateway{here, there}
	// everywhere waits until both have applied what was changed last.
	everywhere := func(change map[string]any) {
		t.Helper()
		begun := time.Now()
		answer := here.manage(t, admin, "GET", fmt.Sprintf("/revision?wait=10&at_least=%v", change["revision"]), "", 200)
		if answer["everywhere"] != true {
			t.Fatalf("it is not everywhere: %v", answer)
		}
		t.Logf("everywhere after %v", time.Since(begun).Round(time.Millisecond))
	}
	both := func(what, key string, want int) {
		t.Helper()
		for i, g := range all {
			if status := g.chat(t, key); status != want {
				t.Errorf("%s: gateway %d answers %d, want %d", what, i, status, want)
			}
		}
	}
	made := here.manage(t, admin, "POST", "/keys", `{"name":"laptop","user":"alice"}`, 201)
	id, first := made["id"].(string), made["secret"].(string)
	if status := here.chat(t, first); status != http.StatusOK {
		t.Errorf("the gateway that issued a key answers %d to it", status)
	}
	everywhere(made)
	both("a new key", first, http.StatusOK)
	rotated := there.manage(t, admin, "POST", "/keys/"+id+"/rotate", `{"overlap":"0s"}`, 200)
	second := rotated["secret"].(string)
	if status := there.chat(t, first); status != http.StatusUnauthorized {
		t.Errorf("the gateway that ended a secret answers %d to it", status)
	}
	everywhere(rotated)
	both("the secret before", first, http.StatusUnauthorized)
	both("the secret after", second, http.StatusOK)
	everywhere(here.manage(t, admin, "PATCH", "/keys/"+id, `{"models":["another-model"]}`, 200))
	both("a key of another model", second, http.StatusForbidden)
	everywhere(there.manage(t, admin, "PATCH", "/keys/"+id, `{"models":null}`, 200))
	both("a key of all models", second, http.StatusOK)
	everywhere(here.manage(t, admin, "DELETE", "/keys/"+id, "", 200))
	both("a revoked key", second, http.StatusUnauthorized)
	if found := there.manage(t, admin, "POST", "/keys/identify", fmt.Sprintf(`{"secret":%q}`, first), 200); found["id"] != id || found["state"] != "revoked" {
		t.Errorf("the first secret is of %v", found)
	}
	for i, g := range all {
		told := g.stderr.String()
		for _, path := range []string{"/actuator/prometheus", "/actuator/env"} {
			told += g.look(t, admin, path)
		}
		for _, secret := range []string{admin, first, second} {
			if strings.Contains(told, secret) {
				t.Errorf("gateway %d tells a secret", i)
			}
		}
	}
	there.signal(syscall.SIGTERM)
	if code := there.wait(t); code != 0 {
		t.Errorf("it ended with %d", code)
	}
	answer := here.manage(t, admin, "GET", "/revision", "", 200)
	if replicas, _ := answer["replicas"].([]any); len(replicas) != 1 || replicas[0].(map[string]any)["id"] != answer["replica"] {
		t.Errorf("after one has ended there are %v", answer)
	}
	records := strings.Split(strings.TrimSpace(here.look(t, admin, "/api/v1/admin/audit/export")), "\n")
	if slices.IndexFunc(records, func(r string) bool { return !strings.HasPrefix(r, `{"revision":`) }) >= 0 || len(records) != 6 {
		t.Errorf("the export is %q", records)
	}
}

// look returns the body of what a key looks at.
func (c client) look(t testing.TB, key, path string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, c.base+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+key)
	response, err := c.http.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%s is answered with %d, %v: %s", path, response.StatusCode, err, text)
	}
	return string(text)
}
