package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/token-rate-limiter/token-rate-limiter/internal/identity"
)

// TestPeopleEverywhere: a user who is disabled at one gateway is refused at the other one within a
// second, whatever the credential, and served again when enabled; by a command with --wait at once.
// So are those of a tenant; and a role gives at both what it is changed to.
func TestPeopleEverywhere(t *testing.T) {
	t.Parallel()
	const fileKey, secret = "0123456789abcdef0123456789abcdef-of-alice", "hunter2-hunter2-hunter2-hunter2-hunter2"
	hash, err := identity.HashKey(fileKey)
	if err != nil {
		t.Fatal(err)
	}
	configs, admin, here, there := twoGateways(t, fmt.Sprintf(
		"auth: {api-keys: [{name: laptop, user: alice, hash: %q}], jwt: {issuers: [{issuer: portal, audiences: [gateway], algorithms: [HS256], types: [JWT], secret: %q}]}}\n", hash, secret))
	command := func(args ...string) (stdout string) {
		t.Helper()
		p := start(t, append(args, "--config", configs)...)
		if code := p.wait(t); code != 0 {
			t.Fatalf("%v ended with %d: %s", args, code, p.stderr.String())
		}
		return strings.TrimSpace(p.stdout.String())
	}
	of := func(tenant string) string {
		return command("key", "create", "--user", "alice", "--name", "x", "--tenant", tenant, "--wait")
	}
	credentials := map[string]string{"the control database's key": of("default"), "the file's key": fileKey, "the JWT": signed(t, secret, jwt.MapClaims{"sub": "alice"})}
	other := of("acme")
	// are checks what both gateways answer to requests of alice, and of her namesake.
	are := func(when string, status int, code string, others int, otherCode string) {
		t.Helper()
		for n, g := range []*gateway{here, there} {
			for what, credential := range credentials {
				if got, body := g.askAs(t, credential, ""); got != status || !strings.Contains(body, code) {
					t.Errorf("%s, gateway %d answers %s with %d %s", when, n, what, got, body)
				}
			}
			if got, body := g.askAs(t, other, ""); got != others || !strings.Contains(body, otherCode) {
				t.Errorf("%s, gateway %d answers the key of another tenant with %d %s", when, n, got, body)
			}
		}
	}
	const user = "/tenants/default/users/alice"
	are("at first", 200, "", 200, "")
	for _, disabled := range []bool{true, false} {
		want := map[bool]int{true: http.StatusForbidden, false: http.StatusOK}[disabled]
		here.manage(t, admin, "PUT", user, fmt.Sprintf(`{"disabled":%t}`, disabled), map[bool]int{true: 201, false: 200}[disabled])
		begun := time.Now()
		for what, credential := range credentials {
			for status := 0; status != want; status, _ = there.askAs(t, credential, "") {
				if took := time.Since(begun); took > patience {
					t.Fatalf("after %v the other gateway answers %s with %d", took, what, status)
				}
			}
		}
		if took := time.Since(begun); took > time.Second {
			t.Errorf("disabled: %v takes %v to be so at the other gateway", disabled, took)
		}
		are(fmt.Sprint("disabled: ", disabled), want, map[bool]string{true: "user_disabled"}[disabled], 200, "")
	}
	command("user", "disable", "alice", "--wait")
	are("disabled by the command", 403, "user_disabled", 200, "")
	command("user", "enable", "alice", "--wait")
	command("tenant", "disable", "acme", "--wait")
	are("with a tenant that is disabled", 200, "", 403, "tenant_disabled")
	command("tenant", "enable", "acme", "--wait")
	are("at last", 200, "", 200, "")

	command("role", "set", "auditor", "--permission", "audit:read", "--wait")
	auditor := command("key", "create", "--user", "vera", "--name", "x", "--role", "auditor", "--wait")
	there.manage(t, auditor, "GET", "/audit", "", 200)
	command("role", "set", "auditor", "--permission", "keys:read", "--wait")
	there.manage(t, auditor, "GET", "/audit", "", 403)
	there.manage(t, auditor, "GET", "/keys", "", 200)
	records := there.manage(t, admin, "GET", "/audit?object=user:default/alice", "", 200)["data"].([]any)
	if len(records) != 4 {
		t.Errorf("the audit has %d changes of alice, want 4", len(records))
	}
	for list, wants := range map[string]string{"user list": "alice", "tenant list": "acme", "role list": "auditor", "role show auditor": "keys:read", "user show alice -o json": `"disabled": false`} {
		if text := command(strings.Fields(list)...); !strings.Contains(text, wants) {
			t.Errorf("%s prints %s", list, text)
		}
	}
}
