package jwt

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"
)

// at is when the tests are.
var at = time.Unix(1_800_000_000, 0)

const (
	issuerName = "https://idp.example.com/realms/x"
	secretText = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
)

// private are keys of an issuer, made once.
var private = sync.OnceValue(func() map[string]any {
	keys := map[string]any{"HS": []byte(secretText)}
	var err error
	must := func(e error) {
		if e != nil {
			panic(e)
		}
	}
	keys["RSA"], err = rsa.GenerateKey(rand.Reader, 2048)
	must(err)
	keys["other RSA"], err = rsa.GenerateKey(rand.Reader, 2048)
	must(err)
	for name, curve := range map[string]elliptic.Curve{"P-256": elliptic.P256(), "P-384": elliptic.P384(), "P-521": elliptic.P521()} {
		keys[name], err = ecdsa.GenerateKey(curve, rand.Reader)
		must(err)
	}
	_, edwards, err := ed25519.GenerateKey(rand.Reader)
	must(err)
	keys["Ed25519"] = edwards
	return keys
})

// keyOf names the private key that an algorithm signs with here.
func keyOf(a Algorithm) string {
	switch a {
	case "ES256":
		return "P-256"
	case "ES384":
		return "P-384"
	case "ES512":
		return "P-521"
	case "EdDSA":
		return "Ed25519"
	}
	if strings.HasPrefix(string(a), "HS") {
		return "HS"
	}
	return "RSA"
}

// public returns the key that verifies what the private one signs.
func public(t testing.TB, name string) *Key {
	t.Helper()
	k := private()[name]
	if secret, is := k.([]byte); is {
		return NewSecret(string(secret))
	}
	key, err := ParseKey(pemOf(t, k))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func pemOf(t testing.TB, key any) string {
	t.Helper()
	var pub any
	switch k := key.(type) {
	case *rsa.PrivateKey:
		pub = &k.PublicKey
	case *ecdsa.PrivateKey:
		pub = &k.PublicKey
	case ed25519.PrivateKey:
		pub = k.Public()
	}
	der, err := x509.MarshalPKIXPublicKey(pub)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

// jwkOf returns a public key as issuers publish it.
func jwkOf(t testing.TB, name, id string, more map[string]any) map[string]any {
	t.Helper()
	b64 := base64.RawURLEncoding.EncodeToString
	o := map[string]any{"kid": id}
	switch k := private()[name].(type) {
	case *rsa.PrivateKey:
		o["kty"], o["n"], o["e"] = "RSA", b64(k.N.Bytes()), "AQAB"
	case *ecdsa.PrivateKey:
		point, err := k.PublicKey.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		half := (len(point) - 1) / 2
		o["kty"], o["crv"], o["x"], o["y"] = "EC", name, b64(point[1:1+half]), b64(point[1+half:])
	case ed25519.PrivateKey:
		o["kty"], o["crv"], o["x"] = "OKP", "Ed25519", b64(k.Public().(ed25519.PublicKey))
	case []byte:
		o["kty"], o["k"] = "oct", b64(k)
	}
	maps.Copy(o, more)
	return o
}

func written(t testing.TB, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// setOf returns keys as an issuer publishes them.
func setOf(t testing.TB, jwks ...map[string]any) []byte {
	return []byte(written(t, map[string]any{"keys": jwks}))
}

// segments returns texts as the parts of a token are written.
func segments(texts ...string) string {
	parts := make([]string, len(texts))
	for i, s := range texts {
		parts[i] = base64.RawURLEncoding.EncodeToString([]byte(s))
	}
	return strings.Join(parts, ".")
}

// sign returns a token whose header and claims are as they are written, signed by a.
func sign(t testing.TB, a Algorithm, header, claims string) string {
	t.Helper()
	return signBy(t, a, private()[keyOf(a)], header, claims)
}

func signBy(t testing.TB, a Algorithm, key any, header, claims string) string {
	t.Helper()
	text := segments(header, claims)
	signature, err := algorithms[a].method.Sign(text, key)
	if err != nil {
		t.Fatal(err)
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(signature)
}

// header returns the header of a token that is good.
func header(a Algorithm) string { return fmt.Sprintf(`{"alg":%q,"typ":"at+jwt","kid":"1"}`, a) }

// claims returns the claims of a token that is good, with others over them; nil takes one away.
func claims(t testing.TB, over map[string]any) string {
	t.Helper()
	c := map[string]any{
		"iss": issuerName, "aud": "gateway", "sub": "user123",
		"iat": at.Unix() - 10, "nbf": at.Unix() - 10, "exp": at.Unix() + 600,
	}
	for k, v := range over {
		c[k] = v
		if v == nil {
			delete(c, k)
		}
	}
	return written(t, c)
}

func pointer(t testing.TB, s string) Pointer {
	t.Helper()
	p, err := ParsePointer(s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// issuer returns one that is good, of an algorithm and keys.
func issuer(t testing.TB, a Algorithm, keys ...*Key) *Issuer {
	return &Issuer{
		Name: issuerName, Audiences: []string{"gateway"}, Algorithms: []Algorithm{a},
		Types: []string{TypeAccess}, Keys: NewKeySet(keys...),
		Leeway: 30 * time.Second, MaxLifetime: 24 * time.Hour,
		Map: Mapping{User: pointer(t, "/sub")},
	}
}

// failed returns the check that an error is of; 0: it is nil.
func failed(t testing.TB, err error) Check {
	t.Helper()
	if err == nil {
		return 0
	}
	f, is := errors.AsType[*Failure](err)
	if !is {
		t.Fatalf("%v is no failure", err)
	}
	return f.Check
}
