package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// TestTokenExplain: each check is told as far as it went, and what was configured for the one that
// failed; neither the token nor the secret is printed.
func TestTokenExplain(t *testing.T) {
	const secret = "hunter2-hunter2-hunter2-hunter2-hunter2"
	dir := t.TempDir()
	text := `
vllm: {services: {m: http://127.0.0.1:1}}
auth:
  jwt:
    issuers:
      - {issuer: portal, audiences: [gateway], algorithms: [HS256], types: [JWT], secret: "${SECRET}", map: {user: {prefix: "p:"}, models: {claim: /models}}}
      - {issuer: "https://127.0.0.1:1/x", audiences: [gateway], algorithms: [RS256], map: {user: {prefix: "x:"}}}
`
	if err := os.WriteFile(filepath.Join(dir, "application.yml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	sign := func(iss, aud string) string {
		s, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{
			"iss": iss, "aud": aud, "sub": "alice", "exp": time.Now().Add(time.Hour).Unix(), "models": []string{"m*"},
		}).SignedString([]byte(secret))
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	for name, tt := range map[string]struct {
		input string
		code  int
		want  []string // parts of what is printed, in this order
	}{
		"taken":             {sign("portal", "gateway"), 0, []string{"size ", "passed", "mapping ", "passed", `"p:alice"`, "[user]", `["m*"]`}},
		"as a header":       {"Bearer " + sign("portal", "gateway") + "\n", 0, []string{`"p:alice"`}},
		"another audience":  {sign("portal", "canary"), 1, []string{"signature ", "passed", "audience ", "failed: the JWT is for another", "audiences: [gateway]"}},
		"another issuer":    {sign("canary", "gateway"), 1, []string{"header ", "passed", "issuer ", "failed", "issuer: portal, or https://127.0.0.1:1/x"}},
		"another algorithm": {sign("https://127.0.0.1:1/x", "gateway"), 1, []string{"issuer ", "passed", "type ", "failed", "types: [at+jwt]"}},
		"no JWT":            {"canary", 1, []string{"size ", "passed", "form ", "failed"}},
		"nothing":           {"\n", 1, []string{"there is no JWT"}},
	} {
		r := run(t, tt.input, []string{"SECRET=" + secret}, "token", "explain", "--config", dir)
		said := r.out + r.errors
		rest := said
		for _, want := range tt.want {
			_, after, has := strings.Cut(rest, want)
			if !has {
				t.Errorf("%s: no %q (in this order) in\n%s", name, want, said)
			}
			rest = after
		}
		if r.code != tt.code {
			t.Errorf("%s: ended with %d", name, r.code)
		}
		if asks := strings.Contains(said, "cannot be asked"); asks != (name == "another algorithm") {
			t.Errorf("%s: the issuer on the network is asked: %t", name, asks)
		}
		for _, secret := range []string{"canary", "hunter2", strings.TrimSpace(tt.input)} {
			if secret != "" && strings.Contains(said, secret) {
				t.Errorf("%s: %q is printed", name, secret)
			}
		}
	}
}
