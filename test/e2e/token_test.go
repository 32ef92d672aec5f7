package e2e

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// signed returns a token of an issuer that shares a secret with the gateway.
func signed(t testing.TB, secret string, claims jwt.MapClaims) string {
	t.Helper()
	all := jwt.MapClaims{"iss": "portal", "aud": "gateway", "exp": time.Now().Add(time.Hour).Unix()}
	for name, v := range claims {
		all[name] = v
	}
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, all).SignedString([]byte(secret))
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// askAs sends what the old system's README has as its example, and returns status and answer.
func (c client) askAs(t testing.TB, token, user string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, c.base+"/api/v1/models/"+model+"/chat/completions",
		strings.NewReader(`{"messages":[{"role":"user","content":"Hello"}],"max_tokens":5}`))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+token)
	if user != "" {
		r.Header.Set("X-User-ID", user)
	}
	response, err := c.http.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(body)
}

// TestTokensOfTheOldSystem: its call works as it is written, with a token whose sub is the user; a token
// that is not taken says why, is in the log by the check that failed, and neither it nor the
// secret is anywhere; a changed configuration ends what was taken.
func TestTokensOfTheOldSystem(t *testing.T) {
	t.Parallel()
	const secret = "hunter2-hunter2-hunter2-hunter2-hunter2"
	_, server := newModelServer(t)
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte(secret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprintf("server: {address: '127.0.0.1:0'}\nvllm: {services: {%s: %q}}\n", model, server) + `
auth:
  jwt:
    issuers:
      - issuer: portal
        audiences: [gateway]
        algorithms: [HS256]
        types: [JWT]
        secret: ${JWT_SECRET}
        map: {roles: [{claim: /groups, has: ops, give: admin}]}
`
	configs := folder(t, map[string]string{"application.yml": text})
	p := &process{cmd: command("serve", "--config", configs)}
	p.cmd.Env = append(p.cmd.Env, "JWT_SECRET_FILE="+file)
	p.cmd.Stdout, p.cmd.Stderr = &p.stdout, &p.stderr
	p.begin(t)
	g := &gateway{p, newClient(t, "http://"+p.address(t))}

	token := signed(t, secret, jwt.MapClaims{"sub": "user123"})
	for range 2 { // the second time it is remembered
		if status, body := g.askAs(t, token, "user123"); status != http.StatusOK {
			t.Errorf("as it is written: %d %s", status, body)
		}
	}
	if status, body := g.askAs(t, token, ""); status != http.StatusOK {
		t.Errorf("without X-User-ID: %d %s", status, body)
	}
	if status, body := g.askAs(t, token, "user124"); status != http.StatusForbidden || !strings.Contains(body, "another user") {
		t.Errorf("in another's name: %d %s", status, body)
	}
	past := time.Now().Add(-time.Hour).Unix()
	for message, tt := range map[string]struct {
		token, check string
	}{
		"the JWT has expired":     {signed(t, secret, jwt.MapClaims{"sub": "user123", "exp": past}), "expiry"},
		"is not its issuer's":     {signed(t, secret+"x", jwt.MapClaims{"sub": "user123"}), "signature"},
		"is for another audience": {signed(t, secret, jwt.MapClaims{"sub": "user123", "aud": "canary"}), "audience"},
		"is not known here":       {signed(t, secret, jwt.MapClaims{"sub": "user123", "iss": "canary"}), "issuer"},
	} {
		status, body := g.askAs(t, tt.token, "user123")
		if status != http.StatusUnauthorized || !strings.Contains(body, message) || strings.Contains(body, "canary") {
			t.Errorf("%d %s, want %q", status, body, message)
		}
		p.stderr.await(t, "the check "+tt.check+" failed")
		if said := p.stderr.String(); strings.Contains(said, tt.token) || strings.Contains(said, "canary") {
			t.Errorf("the log has a JWT, or its claims:\n%s", said)
		}
	}

	admin := signed(t, secret, jwt.MapClaims{"sub": "root", "groups": []string{"ops"}})
	if status := g.lookWith(t, token); status != http.StatusForbidden {
		t.Errorf("a user looks at others' usage: %d", status)
	}
	if status := g.lookWith(t, admin); status != http.StatusOK {
		t.Errorf("an admin looks at others' usage: %d", status)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, g.base+"/actuator/env", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+admin)
	response, err := g.http.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	env, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK || !strings.Contains(string(env), "portal") || strings.Contains(string(env), "hunter2") {
		t.Errorf("%d %s, %v", response.StatusCode, env, err)
	}

	if status, metrics := g.get("/actuator/prometheus"); status != http.StatusOK || strings.Contains(metrics, "hunter2") || strings.Contains(metrics, "canary") || strings.Contains(metrics, token) {
		t.Errorf("metrics: %d %s", status, metrics)
	}
	if err := os.WriteFile(filepath.Join(configs, "application.yml"), []byte(strings.Replace(text, "[gateway]", "[gateway2]", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	eventually(t, patience, "what was taken is refused", func() bool {
		status, _ := g.askAs(t, token, "user123")
		return status == http.StatusUnauthorized
	})
	said := p.stderr.String()
	for _, secret := range []string{"hunter2", token, admin} {
		if strings.Contains(said, secret) {
			t.Errorf("the log has %q", secret)
		}
	}
}
