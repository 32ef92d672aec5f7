package chart

import (
	"regexp"
	"strings"
	"testing"
)

// TestNotesOfTLSBehindARoute: where gateways speak TLS behind a Gateway API route, and only there, the notes
// say which policy it takes, and that one is what the Gateway API defines.
func TestNotesOfTLSBehindARoute(t *testing.T) {
	const route, tls = "charts/token-rate-limiter/ci/gateway-api-values.yaml", "charts/token-rate-limiter/ci/tls-values.yaml"
	for _, values := range []string{route, tls} {
		if said := notes(t, "-f", values); strings.Contains(said, "BackendTLSPolicy") {
			t.Errorf("%s: the notes say\n%s", values, said)
		}
	}
	said := notes(t, "-f", route, "-f", tls)
	policy := regexp.MustCompile(`(?m)^  apiVersion: gateway\.networking(.*\n)(  .*\n)+`).FindString(said)
	if !strings.Contains(policy, "kind: BackendTLSPolicy") {
		t.Fatalf("the notes say\n%s", said)
	}
	policy = strings.ReplaceAll("\n"+policy, "\n  ", "\n")
	validate(t, write(t, "policy.yaml", policy))
	if out, err := validation(t, write(t, "planted.yaml", strings.Replace(policy, "hostname", "hostnam", 1))); err == nil {
		t.Errorf("a misspelt policy is taken: %s", out)
	}
}

// notes returns what helm says after an installation.
func notes(t *testing.T, args ...string) string {
	t.Helper()
	out := helm(t, append([]string{"install", "gateway", "charts/token-rate-limiter", "-n", "serving", "--dry-run=client"}, args...)...)
	_, said, found := strings.Cut(out, "\nNOTES:\n")
	if !found {
		t.Fatalf("helm gives no notes:\n%s", out)
	}
	return said + "\n"
}
