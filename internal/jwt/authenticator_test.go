package jwt

import (
	"crypto/rsa"
	"encoding/binary"
	"errors"
	"math/big"
	"strings"
	"sync"
	"testing"
	"time"
	"unsafe"

	"github.com/google/go-cmp/cmp"

	"github.com/token-rate-limiter/token-rate-limiter/internal/identity"
)

// clock is a time that tests move.
type clock struct{ time.Time }

func (c *clock) now() time.Time { return c.Time }

// TestAuthenticator: what was verified is remembered until its time, its key or its issuer has gone.
func TestAuthenticator(t *testing.T) {
	i := issuer(t, "RS256", public(t, "RSA"), public(t, "P-256"))
	i.Algorithms = append(i.Algorithms, "ES256")
	c := &clock{at}
	a := NewAuthenticator(NewVerifier([]*Issuer{i}), c.now)
	rs, es := sign(t, "RS256", header("RS256"), claims(t, nil)), sign(t, "ES256", header("ES256"), claims(t, nil))
	want := identity.Principal{User: "user123", Account: "user123", Roles: []identity.Role{identity.User}, Permissions: identity.PermissionsOf([]identity.Role{identity.User}), Credential: issuerName}
	asks := func(token string, taken bool) *identity.Principal {
		t.Helper()
		p, err := a.Authenticate(t.Context(), token)
		if (err == nil) != taken {
			t.Fatalf("taken: %v, want %t", err, taken)
		}
		if diff := cmp.Diff(want, deref(p.Principal)); taken && diff != "" {
			t.Error(diff)
		}
		return p.Principal
	}
	first := asks(rs, true)
	if unsafe.StringData(first.Credential) != unsafe.StringData(i.Name) {
		t.Error("what is remembered holds a text of the token, which counts for nothing")
	}
	if asks(rs, true) != first {
		t.Error("it is verified again")
	}
	asks(es, true)
	asks(flip(t, rs), false)
	asks(rs[:len(rs)-1], false)

	if added, removed := i.Keys.Replace([]*Key{public(t, "RSA")}); added != 0 || removed != 1 {
		t.Errorf("%d keys added and %d removed", added, removed)
	}
	asks(es, false) // its key has gone
	if asks(rs, true) != first {
		t.Error("a key that stays is another one")
	}
	if added, removed := i.Keys.Replace([]*Key{public(t, "P-256"), public(t, "P-256")}); added != 1 || removed != 1 {
		t.Errorf("%d keys added and %d removed", added, removed)
	}
	asks(rs, false)
	asks(es, true)

	c.Time = at.Add(10*time.Minute + 29*time.Second) // its end, and nearly the leeway
	asks(es, true)
	c.Time = c.Add(time.Second)
	asks(es, false)
	if len(a.cache.young)+len(a.cache.old) > 0 {
		t.Errorf("%d are remembered", len(a.cache.young))
	}
}

func deref(p *identity.Principal) (v identity.Principal) {
	if p != nil {
		v = *p
	}
	return v
}

// TestOthersCredentials: what is no token is nobody's, and the next in the chain is asked.
func TestOthersCredentials(t *testing.T) {
	a := NewAuthenticator(NewVerifier(nil), time.Now)
	for _, credential := range []string{"", "trl_abc", ".", "a.b", "a.b.c.d", "a.b.c", strings.Repeat("x", 1<<20), strings.Repeat("..", 1<<15), ".."} {
		if _, err := a.Authenticate(t.Context(), credential); !errors.Is(err, identity.ErrUnknown) {
			t.Errorf("%.20q: %v", credential, err)
		}
	}
	if a.Open() {
		t.Error("it is open")
	}
}

// TestKeysMissed: a key that is not known is asked for, and where it may come the token is not
// refused.
func TestKeysMissed(t *testing.T) {
	i := issuer(t, "RS256", public(t, "RSA"))
	keys, _, err := ParseSet(setOf(t, jwkOf(t, "RSA", "old", nil)))
	if err != nil {
		t.Fatal(err)
	}
	comes, asked := true, []string{}
	i.Keys = NewKeySet(keys...)
	i.Keys.Missed = func(token string) bool { asked = append(asked, token); return comes }
	a := NewAuthenticator(NewVerifier([]*Issuer{i}), func() time.Time { return at })
	token := sign(t, "RS256", header("RS256"), claims(t, nil))
	for _, comes = range []bool{true, false} {
		_, err := a.Authenticate(t.Context(), token)
		if _, refused := errors.AsType[*identity.Refusal](err); err == nil || refused == comes {
			t.Errorf("while it may come (%t): %v", comes, err)
		}
	}
	bad := flip(t, sign(t, "RS256", strings.Replace(header("RS256"), `"1"`, `"old"`, 1), claims(t, nil)))
	for range 100 {
		if _, err := a.Authenticate(t.Context(), bad); failed(t, err) != CheckSignature {
			t.Fatal(err)
		}
	}
	signed := token[:strings.LastIndex(token, ".")]
	if diff := cmp.Diff([]string{signed, signed}, asked); diff != "" {
		t.Errorf("asked for keys of (-want +got):\n%s", diff)
	}

	keys = append(keys, public(t, "RSA")) // which may be another one by now
	i.Keys.Replace(keys)
	for _, comes = range []bool{true, false} {
		_, err := a.Authenticate(t.Context(), bad)
		if _, refused := errors.AsType[*identity.Refusal](err); failed(t, err) != CheckSignature || refused == comes {
			t.Errorf("while a key without a name may come (%t): %v", comes, err)
		}
	}
	if len(asked) != 4 {
		t.Errorf("asked for keys %d times", len(asked))
	}
}

// TestKeysWithoutNames: several keys that have none are tried, and one is not guessed among those
// that have. What a configuration has is told where it leaves tokens that name none refused.
func TestKeysWithoutNames(t *testing.T) {
	unnamed := sign(t, "RS256", `{"alg":"RS256","typ":"at+jwt"}`, claims(t, nil))
	named, _, err := ParseSet(setOf(t, jwkOf(t, "other RSA", "a", nil), jwkOf(t, "RSA", "b", nil)))
	if err != nil {
		t.Fatal(err)
	}
	one, _, err := ParseSet(setOf(t, jwkOf(t, "RSA", "b", nil), jwkOf(t, "P-256", "c", nil)))
	if err != nil {
		t.Fatal(err)
	}
	many := []*Key{public(t, "RSA")}
	for n := range int64(candidatesMax) {
		modulus := new(big.Int).SetBit(big.NewInt(2*n+1), 2047, 1)
		k, err := newKey("", "", &rsa.PublicKey{N: modulus, E: 65537})
		if err != nil {
			t.Fatal(err)
		}
		many = append(many, k)
	}
	for name, tt := range map[string]struct {
		keys  []*Key
		want  Check
		wrong string // with them as a configuration
	}{
		"two that have none":   {[]*Key{public(t, "other RSA"), public(t, "RSA")}, 0, ""},
		"two that have":        {named, CheckKey, ""},
		"one that fits":        {one, 0, ""},
		"none":                 {[]*Key{}, CheckKey, ""},
		"one that has":         {[]*Key{public(t, "RSA"), named[0]}, CheckKey, "has keys with a name and without one for RS256"},
		"of another algorithm": {[]*Key{public(t, "P-256")}, CheckKey, ""},
		"one of another has":   {[]*Key{public(t, "RSA"), one[1]}, 0, ""},
		"as many as are tried": {many[:candidatesMax], 0, ""},
		"too many":             {many, CheckKey, "has 5 keys without a name for RS256, and at most 4 are tried"},
	} {
		_, err := NewVerifier([]*Issuer{issuer(t, "RS256", tt.keys...)}).Verify(unnamed, at)
		if failed(t, err) != tt.want {
			t.Errorf("%s: %v", name, err)
		}
		text := ""
		if err := CheckKeys(tt.keys, []Algorithm{"ES256", "RS256"}); err != nil {
			text = err.Error()
		}
		if text != tt.wrong {
			t.Errorf("%s: %q, want %q", name, text, tt.wrong)
		}
	}
}

// TestCacheIsBounded: in number and in bytes, and what is asked for stays.
func TestCacheIsBounded(t *testing.T) {
	for name, tt := range map[string]struct{ most, mostBytes, each int }{
		"number": {100, 1 << 30, 1}, "bytes": {1 << 30, 1000, 10},
	} {
		c := newCache(tt.most, tt.mostBytes)
		k := public(t, "RSA")
		favourite := sumOf(1 << 40)
		c.put(favourite, &remembered{until: at.Add(time.Hour), key: k, bytes: tt.each})
		for n := range uint64(10_000) {
			sum := sumOf(n)
			c.put(sum, &remembered{until: at.Add(time.Hour), key: k, bytes: tt.each})
			if c.get(favourite, at) == nil {
				t.Fatalf("%s: what is asked for was forgotten after %d", name, n)
			}
			if held := len(c.young) + len(c.old); held > 100 {
				t.Fatalf("%s: %d are held", name, held)
			}
		}
		for n := range uint64(10_000) {
			sum := sumOf(n)
			c.forget(sum)
		}
		c.forget(favourite)
		if c.bytes != 0 || len(c.young)+len(c.old) != 0 {
			t.Errorf("%s: %d bytes and %d tokens remain", name, c.bytes, len(c.young)+len(c.old))
		}
	}
}

func sumOf(n uint64) (t tag) {
	binary.BigEndian.PutUint64(t[:], n)
	return t
}

// TestKeysChangeWhileTokensCome: a token is taken or refused, and after its key has gone it is refused,
// whoever has asked meanwhile.
func TestKeysChangeWhileTokensCome(t *testing.T) {
	i := issuer(t, "ES256", public(t, "P-256"))
	i.Algorithms = append(i.Algorithms, "EdDSA")
	a := NewAuthenticator(NewVerifier([]*Issuer{i}), func() time.Time { return at })
	es, ed := sign(t, "ES256", header("ES256"), claims(t, nil)), sign(t, "EdDSA", header("EdDSA"), claims(t, nil))
	done := make(chan struct{})
	var asking sync.WaitGroup
	for _, token := range []string{es, ed, es, ed} {
		asking.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				if _, err := a.Authenticate(t.Context(), token); err != nil && failed(t, err) != CheckKey {
					t.Error(err)
					return
				}
			}
		})
	}
	for range 50 {
		for name, token := range map[string]string{"P-256": ed, "Ed25519": es} {
			i.Keys.Replace([]*Key{public(t, name)})
			if _, err := a.Authenticate(t.Context(), token); failed(t, err) != CheckKey {
				t.Errorf("the key has gone: %v", err)
			}
		}
	}
	close(done)
	asking.Wait()
}

// TestTags: a tag is of the whole token, and of one process.
func TestTags(t *testing.T) {
	g := newTagger()
	seen := map[tag]string{}
	long := strings.Repeat("x", TokenBytesMax)
	texts := []string{"", "x", "xx", long, long[1:], "y" + long[1:], long[1:] + "y"}
	for i := range 200 {
		texts = append(texts, long[:i+3], long[:i]+"y"+long[:300-i])
	}
	for _, s := range texts {
		tag := g.of(s)
		if other, twice := seen[tag]; twice || g.of(s) != tag || newTagger().of(s) == tag {
			t.Errorf("%.20q has the tag of %.20q, another one now, or that of another process", s, other)
		}
		seen[tag] = s
	}
}

// BenchmarkAuthenticate measures a token of 1 KiB that is remembered, beside an API key of the file
// and what such a key waits for while tokens are taken too.
func BenchmarkAuthenticate(b *testing.B) {
	i := issuer(b, "RS256", public(b, "RSA"))
	a := NewAuthenticator(NewVerifier([]*Issuer{i}), time.Now)
	now := time.Now().Unix()
	body := claims(b, map[string]any{"iat": now, "nbf": now, "exp": now + 3600, "x": strings.Repeat("x", 300)})
	token := sign(b, "RS256", header("RS256"), body)
	token = sign(b, "RS256", header("RS256"), strings.Replace(body, `"x":"`, `"x":"`+strings.Repeat("x", (1024-len(token))*3/4), 1))
	const secret = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	hash, err := identity.HashKey(secret)
	if err != nil {
		b.Fatal(err)
	}
	keys, err := identity.NewKeys([]identity.Key{{Name: "a", Hash: hash}})
	if err != nil {
		b.Fatal(err)
	}
	for _, tt := range []struct { // the budget of `make bench` is the first one's
		name       string
		by         identity.Authenticator
		credential string
	}{
		{"token", identity.Chain{a, keys}, token}, {"key", keys, secret}, {"key-behind", identity.Chain{a, keys}, secret},
	} {
		b.Run(tt.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := tt.by.Authenticate(b.Context(), tt.credential); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(len(tt.credential)), "bytes")
		})
	}
}

// TestRememberedCostsNoMemory: nothing is allocated for a token that is remembered, nor for a key.
func TestRememberedCostsNoMemory(t *testing.T) {
	i := issuer(t, "RS256", public(t, "RSA"))
	a := NewAuthenticator(NewVerifier([]*Issuer{i}), func() time.Time { return at })
	token := sign(t, "RS256", header("RS256"), claims(t, map[string]any{"x": strings.Repeat("x", 500)}))
	for _, credential := range []string{token, "trl_0123456789012345678901234567890123456789"} {
		ask := func() { _, _ = a.Authenticate(t.Context(), credential) }
		ask()
		if n := testing.AllocsPerRun(100, ask); n > 0 {
			t.Errorf("%.10s: %v allocations", credential, n)
		}
	}
}
