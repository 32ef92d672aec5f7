package app

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/token-rate-limiter/token-rate-limiter/internal/config"
	"github.com/token-rate-limiter/token-rate-limiter/internal/httpsyntax"
	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
)

// TestCheckAndServeJudgeAlike: what Load takes, a gateway can be built from. The values
// are at the edge of what either takes.
func TestCheckAndServeJudgeAlike(t *testing.T) {
	var texts []string
	for _, n := range []int64{0, 1, limit.MaximumMax, limit.MaximumMax + 1, 1<<53 - 1, 1 << 62} {
		texts = append(texts, fmt.Sprintf("token: {rate-limit: {models: {m: {max-tokens-per-day: %d, total: {max-requests-per-hour: %[1]d}}}}}", n),
			fmt.Sprintf("token: {rate-limit: {defaults: {max-concurrent-requests: %d}, default-output-tokens: %[1]d}}", n))
	}
	for _, debt := range []string{"0", "100", "100.1", "-1", "1e-300"} {
		texts = append(texts, "token: {rate-limit: {max-debt: "+debt+"}}")
	}
	for _, url := range []string{
		"http://h", "http://a_b:1", "http://모델", "http://a%41", "http://[::1]:8000", "http://[fe80::1%25eth0]", "http://h/a b", "http://h/%zz",
		"http://h/a%20b", "https://h:443/", "http://h;x", "http://h'", "http://h\"x", "http://h?", "http://h#", "http://*", "http://h:00",
	} {
		texts = append(texts, fmt.Sprintf("vllm: {services: {m: %q}}", url))
	}
	for _, key := range []string{"k", "열쇠", "a b", "a\tb", "a\x7fb", "a\u0085b"} {
		texts = append(texts, fmt.Sprintf("vllm: {services: {m: {endpoints: ['http://h'], api-key: %q}}}", key))
	}
	for _, origin := range []string{"*", "https://a.b", "https://a.b:8443", "http://[::1]", "null", "chrome-extension://x", "https://a.b:", "https://é", "a:b"} {
		texts = append(texts, fmt.Sprintf("server: {cors: {origins: [%q]}}", origin))
	}
	taken := 0
	for _, text := range texts {
		if len(checked(t, withModel(text))) > 0 {
			continue
		}
		taken++
		if err := built(t, withModel(text)); err != nil {
			t.Errorf("check takes\n%s\nand serve says: %v", text, err)
		}
	}
	if taken < len(texts)/3 || taken == len(texts) {
		t.Errorf("%d of %d are taken", taken, len(texts))
	}
}

// TestForwardHeadersCanBeSent: a field that the configuration takes is none that the
// client of model servers refuses.
func TestForwardHeadersCanBeSent(t *testing.T) {
	for _, name := range []string{"Api-Key", "X-Api-Key", "HTTP2-Settings", "te", "Cookie", "X-Tenant", "X Y", "é", "Host", "X-Request-Id"} {
		mistakes := checked(t, fmt.Sprintf("vllm: {services: {m: {endpoints: ['http://h'], forward-headers: [%q]}}}", name))
		if sent := httpsyntax.ValidName(name) && !httpsyntax.Reserved(name); sent != (len(mistakes) == 0) {
			t.Errorf("%s: it can be sent: %v; the configuration says %q", name, sent, mistakes)
		}
	}
}

// withModel adds a model where a configuration has none.
func withModel(text string) string {
	if !strings.Contains(text, "services:") {
		text += "\nvllm: {services: {m: 'http://h'}}"
	}
	return text
}

// built builds a gateway and closes it again.
func built(t *testing.T, text string) error {
	t.Helper()
	c, err := config.Load(config.Options{
		Dir: ".", Files: fstest.MapFS{"application.yml": {Data: []byte(text)}}, Env: func(string) (string, bool) { return "", false },
	})
	if err != nil {
		t.Fatal(err)
	}
	a, err := New(t.Context(), Options{Config: c, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	return a.close(t.Context())
}
