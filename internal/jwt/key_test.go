package jwt

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"math/big"
	"strings"
	"testing"
)

// TestKeysThatAreRefused: what is no public key for signatures, or a weak one, is not taken; from a
// set it is left out, and what can be used is taken.
func TestKeysThatAreRefused(t *testing.T) {
	b64 := base64.RawURLEncoding.EncodeToString
	weak := new(big.Int).Lsh(big.NewInt(1), 1023)
	weak.SetBit(weak, 0, 1)
	huge := new(big.Int).SetBit(big.NewInt(1), 16384, 1)
	point := jwkOf(t, "P-256", "1", nil)
	for want, jwk := range map[string]map[string]any{
		"has 1024 bits":            {"kty": "RSA", "n": b64(weak.Bytes()), "e": "AQAB"},
		"is no RSA key":            jwkOf(t, "RSA", "1", map[string]any{"e": "Ag"}),
		"e in base64url":           jwkOf(t, "RSA", "1", map[string]any{"e": "AQAB="}),
		"no member n":              {"kty": "RSA", "e": "AQAB"},
		"has a kid that is":        jwkOf(t, "RSA", strings.Repeat("k", 257), nil),
		"is a private key":         jwkOf(t, "RSA", "1", map[string]any{"d": "AQAB"}),
		"is a secret":              jwkOf(t, "HS", "1", nil),
		"by its use":               jwkOf(t, "RSA", "1", map[string]any{"use": "enc"}),
		"by its key_ops":           jwkOf(t, "RSA", "1", map[string]any{"key_ops": []string{"encrypt"}}),
		"algorithm that is not":    jwkOf(t, "RSA", "1", map[string]any{"alg": "RSA-OAEP"}),
		"not made for its alg":     jwkOf(t, "RSA", "1", map[string]any{"alg": "ES256"}),
		"is no point of its curve": jwkOf(t, "P-256", "1", map[string]any{"x": point["y"], "y": point["x"]}),
		"wrong length":             jwkOf(t, "P-256", "1", map[string]any{"x": "AQAB"}),
		"is of a kind":             {"kty": "EC", "crv": "secp256k1", "x": point["x"], "y": point["y"]},
		"is no key of Ed25519":     jwkOf(t, "Ed25519", "1", map[string]any{"x": "AQAB"}),
	} {
		k, err := ParseKey(written(t, jwk))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, %v, want %q", k, err, want)
		}
		keys, left, err := ParseSet(setOf(t, jwk, jwkOf(t, "RSA", "1", nil)))
		if err != nil || len(keys) != 1 || len(left) != 1 || !strings.Contains(left[0].Error(), want) {
			t.Errorf("of a set: %v, left out %v: %v", keys, left, err)
		}
		if _, _, err := ParseSet(setOf(t, jwk)); err == nil {
			t.Errorf("a set of nothing else is taken: %v", jwk)
		}
	}
	most := new(big.Int).SetBit(big.NewInt(1), 8191, 1)
	if k, err := ParseKey("\n " + written(t, map[string]any{"kty": "RSA", "n": b64(most.Bytes()), "e": "AQAB"}) + "\n"); err != nil {
		t.Errorf("8192 bits, and ends of lines around: %v, %v", k, err)
	}
	if k, err := ParseKey(written(t, map[string]any{"kty": "RSA", "n": b64(huge.Bytes()), "e": "AQAB"})); err == nil {
		t.Errorf("16384 bits: %v", k)
	}
	if keys, left, err := ParseSet([]byte(`{"keys":[]}`)); err != nil || len(keys)+len(left) > 0 {
		t.Errorf("a set that is empty: %v, %v, %v", keys, left, err)
	}
	for _, text := range []string{"", "{}", "[]", `{"keys":7}`, `{"keys":[],"keys":[]}`, "x", `{"keys":[` + strings.Repeat("{},", 256) + "{}]}"} {
		if keys, _, err := ParseSet([]byte(text)); err == nil {
			t.Errorf("%.20q: %v", text, keys)
		}
	}
}

// TestKeysInPEM: public keys and certificates are taken, private ones are not, and no error
// tells what they are.
func TestKeysInPEM(t *testing.T) {
	k := private()["RSA"].(*rsa.PrivateKey)
	template := &x509.Certificate{SerialNumber: big.NewInt(1)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &k.PublicKey, k)
	if err != nil {
		t.Fatal(err)
	}
	encode := func(kind string, der []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
	}
	certificate, err := ParseKey(encode("CERTIFICATE", der))
	if err != nil || !bytes.Equal(certificate.sum[:], public(t, "RSA").sum[:]) {
		t.Errorf("a certificate: %v", err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	small, err := ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"a private key":          encode("PRIVATE KEY", pkcs8),
		"an old private key":     encode("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(k)),
		"a key and more":         pemOf(t, k) + "x",
		"two keys":               pemOf(t, k) + pemOf(t, k),
		"a curve of no use":      pemOf(t, small),
		"something else":         encode("CERTIFICATE REQUEST", der),
		"no key":                 encode("PUBLIC KEY", []byte("hunter2")),
		"no certificate":         encode("CERTIFICATE", []byte("hunter2")),
		"nothing":                "",
		"a private key as a JWK": written(t, jwkOf(t, "RSA", "1", map[string]any{"d": "hunter2"})),
	} {
		if k, err := ParseKey(text); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v, %v", name, k, err)
		}
	}
}

// TestSecrets: a secret is for no algorithm that hashes to more than it has.
func TestSecrets(t *testing.T) {
	for n, want := range map[int][]bool{31: {false, false, false}, 32: {true, false, false}, 63: {true, true, false}, 64: {true, true, true}} {
		k := NewSecret(strings.Repeat("s", n))
		for i, a := range []Algorithm{"HS256", "HS384", "HS512"} {
			if k.Fits(a) != want[i] {
				t.Errorf("%d bytes for %s", n, a)
			}
		}
		if k.Fits("RS256") || k.Fits("none") || k.Fits("") {
			t.Errorf("%d bytes fit something else", n)
		}
	}
}
