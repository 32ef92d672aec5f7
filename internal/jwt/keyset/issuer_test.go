package keyset

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/jwt"
)

// issuer is one that publishes keys over https, and can do so badly.
type issuer struct {
	*httptest.Server

	mu    sync.Mutex
	keys  []map[string]any
	asked int
	names string       // what the discovery document calls it; "": its address
	at    string       // where that says the keys are; "": where they are
	wrong http.Handler // answers in its place; nil: nothing does
}

func newIssuer(t testing.TB, ids ...string) *issuer {
	t.Helper()
	i := &issuer{}
	i.Server = httptest.NewTLSServer(i)
	i.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0) // of clients that do not trust it
	t.Cleanup(i.Close)
	i.publish(ids...)
	return i
}

// private returns the key with a name.
func private(id string) ed25519.PrivateKey {
	seed := make([]byte, ed25519.SeedSize)
	copy(seed, id)
	return ed25519.NewKeyFromSeed(seed)
}

// publish makes these the keys that the issuer has.
func (i *issuer) publish(ids ...string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.keys = []map[string]any{}
	for _, id := range ids {
		x := private(id).Public().(ed25519.PublicKey)
		i.keys = append(i.keys, map[string]any{"kty": "OKP", "crv": "Ed25519", "kid": id, "x": base64.RawURLEncoding.EncodeToString(x)})
	}
}

// unnamed makes this the only key that the issuer has, without its name.
func (i *issuer) unnamed(id string) {
	i.publish(id)
	i.mu.Lock()
	defer i.mu.Unlock()
	delete(i.keys[0], "kid")
}

// useless makes the issuer publish a key that nobody can use.
func (i *issuer) useless() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.keys = []map[string]any{{"kty": "oct", "k": "AAAA"}}
}

// does has the issuer answer otherwise; nil: as it should.
func (i *issuer) does(h http.Handler) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.wrong = h
}

// questions returns how often the issuer was asked for its keys.
func (i *issuer) questions() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.asked
}

func (i *issuer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	i.mu.Lock()
	wrong, keys, names, at := i.wrong, i.keys, i.names, i.at
	if r.URL.Path == "/keys" {
		i.asked++
	}
	i.mu.Unlock()
	switch {
	case wrong != nil:
		wrong.ServeHTTP(w, r)
	case r.URL.Path == "/realm"+discoveryPath:
		if names == "" {
			names = i.URL + "/realm"
		}
		if at == "" {
			at = i.URL + "/keys"
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"issuer": names, "jwks_uri": at, "x": 1})
	case r.URL.Path == "/keys":
		_ = json.NewEncoder(w).Encode(map[string]any{"keys": keys})
	default:
		http.NotFound(w, r)
	}
}

func (i *issuer) ca() string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: i.Certificate().Raw}))
}

// source returns where its keys are, found by discovery.
func (i *issuer) source() Source {
	return Source{Issuer: i.URL + "/realm", CA: i.ca(), Refresh: time.Hour}
}

// token returns one of alice that the key with a name has signed.
func (i *issuer) token(t testing.TB, id string) string {
	t.Helper()
	return i.tokenOf(t, id, "alice")
}

// tokenOf returns one of a user.
func (i *issuer) tokenOf(t testing.TB, id, user string) string {
	t.Helper()
	part := func(v map[string]any) string {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return base64.RawURLEncoding.EncodeToString(b)
	}
	text := part(map[string]any{"alg": "EdDSA", "typ": "at+jwt", "kid": id}) + "." +
		part(map[string]any{"iss": i.URL + "/realm", "aud": "gateway", "sub": user, "exp": time.Now().Add(time.Hour).Unix()})
	return text + "." + base64.RawURLEncoding.EncodeToString(ed25519.Sign(private(id), []byte(text)))
}

// verifier returns what takes the tokens that are signed by keys of a set.
func (i *issuer) verifier(t testing.TB, keys *jwt.KeySet) *jwt.Authenticator {
	t.Helper()
	sub, err := jwt.ParsePointer("/sub")
	if err != nil {
		t.Fatal(err)
	}
	return jwt.NewAuthenticator(jwt.NewVerifier([]*jwt.Issuer{{
		Name: i.URL + "/realm", Audiences: []string{"gateway"}, Algorithms: []jwt.Algorithm{"EdDSA"}, Types: []string{jwt.TypeAccess},
		Keys: keys, Leeway: time.Second, MaxLifetime: 24 * time.Hour, Map: jwt.Mapping{User: sub},
	}}), time.Now)
}

// lines is a log that is looked at.
type lines struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *lines) count(text string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.b.String(), text)
}
