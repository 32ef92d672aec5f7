package jwt

import (
	"encoding/base64"
	"slices"
	"strings"
	"testing"
)

// TestAlgorithms: each is taken with a key that it is made for, from PEM and as a JWK, and with no
// other key, nor where the issuer uses another algorithm.
func TestAlgorithms(t *testing.T) {
	all := Algorithms()
	if len(all) != 13 || slices.Contains(all, "none") {
		t.Fatalf("they are %v", all)
	}
	for _, a := range all {
		token := sign(t, a, header(a), claims(t, nil))
		forms := []*Key{public(t, keyOf(a))}
		if keyOf(a) != "HS" {
			keys, left, err := ParseSet(setOf(t, jwkOf(t, keyOf(a), "1", nil), jwkOf(t, keyOf(a), "2", map[string]any{"alg": a, "use": "sig"})))
			if err != nil || len(left) > 0 || len(keys) != 2 {
				t.Fatalf("%s: %v, %v", a, err, left)
			}
			forms = append(forms, keys[0])
		}
		for _, k := range forms {
			v, err := NewVerifier([]*Issuer{issuer(t, a, k)}).Verify(token, at)
			if err != nil || v.User != "user123" {
				t.Errorf("%s: %v", a, err)
			}
		}
		for name := range private() {
			if name == keyOf(a) {
				continue
			}
			_, err := NewVerifier([]*Issuer{issuer(t, a, public(t, name))}).Verify(token, at)
			if c := failed(t, err); c != CheckKey && (c != CheckSignature || name != "other RSA") {
				t.Errorf("%s with a key of %s: %v", a, name, err)
			}
		}
		for _, b := range all {
			i := issuer(t, b, public(t, keyOf(a)))
			if _, err := NewVerifier([]*Issuer{i}).Verify(token, at); b != a && failed(t, err) != CheckAlgorithm {
				t.Errorf("%s where the issuer uses %s: %v", a, b, err)
			}
		}
		changed := flip(t, token)
		if _, err := NewVerifier([]*Issuer{issuer(t, a, public(t, keyOf(a)))}).Verify(changed, at); failed(t, err) != CheckSignature {
			t.Errorf("%s with another signature: %v", a, err)
		}
	}
}

// flip changes a bit of a token's signature.
func flip(t *testing.T, token string) string {
	t.Helper()
	i := strings.LastIndexByte(token, '.') + 1
	b, err := base64.RawURLEncoding.DecodeString(token[i:])
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)/2] ^= 1
	return token[:i] + base64.RawURLEncoding.EncodeToString(b)
}
