package app_test

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/token-rate-limiter/token-rate-limiter/internal/apptest"
)

// issuing is an issuer that publishes one key, with its token of alice.
type issuing struct {
	*httptest.Server
	ca, token string
	asked     atomic.Int64
	away      atomic.Bool
	slow      atomic.Int64 // milliseconds that each answer takes
}

func newIssuing(t *testing.T) *issuing {
	t.Helper()
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	i := &issuing{ca: filepath.Join(t.TempDir(), "ca.pem")}
	i.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(time.Duration(i.slow.Load()) * time.Millisecond)
		switch {
		case i.away.Load():
			w.WriteHeader(http.StatusServiceUnavailable)
		case r.URL.Path == "/.well-known/openid-configuration":
			_ = json.NewEncoder(w).Encode(map[string]string{"issuer": i.URL, "jwks_uri": i.URL + "/keys"})
		default:
			i.asked.Add(1)
			_ = json.NewEncoder(w).Encode(map[string]any{"keys": []map[string]string{
				{"kty": "OKP", "crv": "Ed25519", "kid": "1", "x": base64.RawURLEncoding.EncodeToString(public)},
			}})
		}
	}))
	i.Config.ErrorLog = log.New(io.Discard, "", 0)
	i.StartTLS()
	t.Cleanup(i.Close)
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: i.Certificate().Raw})
	if err := os.WriteFile(i.ca, certificate, 0o600); err != nil {
		t.Fatal(err)
	}
	unsigned := jwt.NewWithClaims(jwt.SigningMethodEdDSA, jwt.MapClaims{"iss": i.URL, "aud": "gateway", "sub": "alice", "exp": time.Now().Add(time.Hour).Unix()})
	unsigned.Header["typ"], unsigned.Header["kid"] = "at+jwt", "1"
	if i.token, err = unsigned.SignedString(private); err != nil {
		t.Fatal(err)
	}
	return i
}

// yaml is the section auth with the issuer, and more of its settings.
func (i *issuing) yaml(more string) string {
	return fmt.Sprintf("auth: {jwt: {issuers: [{issuer: %q, audiences: [gateway], algorithms: [EdDSA], ca-file: %q%s}]}}\n", i.URL, i.ca, more)
}

// trustMore has the file of authorities change.
func (i *issuing) trustMore(t *testing.T) {
	t.Helper()
	b, err := os.ReadFile(i.ca)
	if err == nil {
		err = os.WriteFile(i.ca, append(b, b...), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// status returns that of the list of models, for a token.
func status(t *testing.T, g *apptest.Gateway, token string) (int, http.Header) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, g.URL+"/v1/models", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	answer, err := g.Client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	return answer.StatusCode, answer.Header
}

// TestReadyWithKeys: a gateway that is ready takes the tokens of an issuer that answers slowly.
func TestReadyWithKeys(t *testing.T) {
	i := newIssuing(t)
	i.slow.Store(50)
	g := apptest.Start(t, apptest.Options{Auth: true, Config: i.yaml("")})
	if code, _ := status(t, g, i.token); code != http.StatusOK {
		t.Errorf("the first token is %d", code)
	}
}

// issuers returns whether a gateway is ready, and what its health says of issuers.
func issuers(t *testing.T, g *apptest.Gateway) (ready bool, state string, unread []string) {
	t.Helper()
	var told struct {
		Components map[string]struct {
			Status string
			Unread []string
		}
	}
	code, body := g.Probe(t, "/actuator/health/readiness")
	if err := json.Unmarshal([]byte(body), &told); err != nil {
		t.Fatal(err)
	}
	c := told.Components["issuers"]
	return code == http.StatusOK, c.Status, c.Unread
}

// TestIssuer: while an issuer's keys were never read its tokens are 503, and the gateway is ready;
// then they are taken, and go on being taken through changes of other settings, for which nobody
// is asked, and through changes of how it is asked while it is away; a change of what is taken
// ends them at once.
func TestIssuer(t *testing.T) {
	i := newIssuing(t)
	i.away.Store(true)
	g := apptest.Start(t, apptest.Options{Auth: true, Reloads: true, Config: i.yaml("")})
	if code, h := status(t, g, i.token); code != http.StatusServiceUnavailable || h.Get("Retry-After") == "" {
		t.Errorf("before any key is known: %d %v", code, h)
	}
	if ready, state, unread := issuers(t, g); !ready || state != "DOWN" || !slices.Equal(unread, []string{i.URL}) {
		t.Errorf("before any key is known: ready %t, issuers %s, unread %v", ready, state, unread)
	}
	i.away.Store(false)
	taken := func() bool { code, _ := status(t, g, i.token); return code == http.StatusOK }
	if !apptest.Eventually(taken) {
		t.Fatalf("the token is not taken:\n%s", g.Logs)
	}
	if text := g.Get(t, "/actuator/prometheus"); !strings.Contains(text, fmt.Sprintf("jwt_issuer_keys_timestamp_seconds{issuer=%q} 1", i.URL)) {
		t.Error("no metric tells when the keys were read")
	}
	if ready, state, unread := issuers(t, g); !ready || state != "UP" || len(unread) > 0 {
		t.Errorf("once the keys are known: ready %t, issuers %s, unread %v", ready, state, unread)
	}
	asked := i.asked.Load()
	i.away.Store(true)
	reload(t, g, func(o *apptest.Options) { o.Limits = "{max-requests-per-minute: 5}" })
	if !taken() || i.asked.Load() != asked {
		t.Error("after a change of something else the token is not taken, or the issuer was asked")
	}
	reload(t, g, func(o *apptest.Options) { o.Config = i.yaml(", leeway: 31s") })
	if !taken() {
		t.Error("after a change of the issuer its keys are not known")
	}
	reload(t, g, func(o *apptest.Options) { o.Config = i.yaml(", refresh-interval: 5m") })
	if !taken() {
		t.Error("after a change of how often the issuer is asked its keys are not known")
	}
	i.trustMore(t)
	reload(t, g, func(o *apptest.Options) { o.Config = i.yaml(", refresh-interval: 6m") })
	if !taken() {
		t.Error("after a change of the authority the issuer's keys are not known")
	}
	reload(t, g, func(o *apptest.Options) { o.Config = strings.Replace(i.yaml(""), "gateway", "other", 1) })
	if code, _ := status(t, g, i.token); code != http.StatusUnauthorized {
		t.Errorf("for another audience: %d", code)
	}
	lines := reload(t, g, func(o *apptest.Options) { o.Config = "auth: {jwt: {issuers: []}}\n" })
	if code, _ := status(t, g, i.token); code != http.StatusUnauthorized {
		t.Errorf("without the issuer: %d", code)
	}
	if len(lines) != 1 || strings.Join(lines[0].SettingsChanged, " ") != "auth.jwt.issuers" {
		t.Errorf("the log says %+v", lines)
	}
	if said := g.Logs.String(); strings.Contains(said, i.token) {
		t.Error("the token is in the log")
	}
}
