package jwt

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
)

// KeysMax is how many keys of an issuer are looked at.
const KeysMax = 256

// ParseSet reads the keys of an issuer, as it publishes them (RFC 7517, section 5). Keys that are
// not for verifying are left out, as RFC 7517 wants it; left says of each why. It fails where the
// text is no set, or has keys of which none can be used. A set that is empty has no keys.
func ParseSet(text []byte) (keys []*Key, left []error, err error) {
	o, err := parseObject(text)
	if err != nil {
		return nil, nil, fmt.Errorf("it is no set of keys: %w", err)
	}
	list, is := o["keys"].([]any)
	switch {
	case !is:
		return nil, nil, errors.New(`it is no set of keys: it has no list "keys"`)
	case len(list) > KeysMax:
		return nil, nil, fmt.Errorf("it has %d keys, more than %d", len(list), KeysMax)
	}
	for _, item := range list {
		jwk, _ := item.(object)
		k, err := parseJWK(jwk)
		if err != nil {
			left = append(left, err)
			continue
		}
		keys = append(keys, k)
	}
	if len(keys) == 0 && len(left) > 0 {
		return nil, left, errors.New("it has no key that can verify a JWT")
	}
	return keys, left, nil
}

// parseJWK reads a public key (RFC 7517, RFC 7518 section 6, RFC 8037).
func parseJWK(o object) (*Key, error) {
	for _, private := range []string{"d", "p", "q", "dp", "dq", "qi", "oth"} {
		if _, has := o[private]; has {
			return nil, errPrivate
		}
	}
	if o["kty"] == "oct" {
		return nil, errors.New("is a secret (kty: oct), which nobody may publish")
	}
	if use, is := o["use"]; is && use != "sig" {
		return nil, errors.New("is not for signatures, by its use")
	}
	if ops, is := o["key_ops"]; is {
		if list, _ := ops.([]any); !slices.Contains(list, any("verify")) {
			return nil, errors.New("is not for verifying, by its key_ops")
		}
	}
	id, err := optional(o, "kid")
	if err != nil || len(id) > idBytesMax {
		return nil, errors.New("has a kid that is no text, or too long")
	}
	name, err := optional(o, "alg")
	if err != nil {
		return nil, err
	}
	if _, known := algorithms[Algorithm(name)]; name != "" && !known {
		return nil, errors.New("is for an algorithm that is not known here")
	}
	material, err := materialOf(o)
	if err != nil {
		return nil, err
	}
	return newKey(id, Algorithm(name), material)
}

// optional returns a member that is a text; "" where it is not there.
func optional(o object, name string) (string, error) {
	v, is := o[name]
	text, ok := v.(string)
	if is && !ok {
		return "", fmt.Errorf("has a member %s that is no text", name)
	}
	return text, nil
}

// materialOf returns the key that a JWK describes.
func materialOf(o object) (any, error) {
	switch o["kty"] {
	case "RSA":
		return rsaOf(o)
	case "EC":
		return curveOf(o)
	case "OKP":
		x, err := octets(o, "x")
		if o["crv"] != "Ed25519" {
			return nil, errKind
		}
		if err != nil || len(x) != ed25519.PublicKeySize {
			return nil, errors.New("is no key of Ed25519")
		}
		return ed25519.PublicKey(x), nil
	}
	return nil, errKind
}

func rsaOf(o object) (any, error) {
	n, err := octets(o, "n")
	if err != nil {
		return nil, err
	}
	e, err := octets(o, "e")
	if err != nil {
		return nil, err
	}
	exponent := new(big.Int).SetBytes(e)
	if len(n) > rsaBitsMax/8+1 || exponent.BitLen() > 31 {
		return nil, errors.New("is no RSA key")
	}
	return &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: int(exponent.Int64())}, nil
}

// curves are those of RFC 7518, section 6.2.1.1, with the length of a coordinate in bytes.
var curves = map[string]struct {
	elliptic.Curve
	bytes int
}{"P-256": {elliptic.P256(), 32}, "P-384": {elliptic.P384(), 48}, "P-521": {elliptic.P521(), 66}}

func curveOf(o object) (any, error) {
	name, _ := o["crv"].(string)
	curve, known := curves[name]
	if !known {
		return nil, errKind
	}
	x, errX := octets(o, "x")
	y, errY := octets(o, "y")
	if errX != nil || errY != nil || len(x) != curve.bytes || len(y) != curve.bytes {
		return nil, errors.New("has coordinates of the wrong length")
	}
	k, err := ecdsa.ParseUncompressedPublicKey(curve.Curve, slices.Concat([]byte{4}, x, y))
	if err != nil {
		return nil, errors.New("is no point of its curve")
	}
	return k, nil
}

// octets returns the bytes of a member in base64url.
func octets(o object, name string) ([]byte, error) {
	text, _ := o[name].(string)
	b, err := decode(text)
	if err != nil || len(b) == 0 {
		return nil, fmt.Errorf("has no member %s in base64url", name)
	}
	return b, nil
}

var encoding = base64.RawURLEncoding.Strict()

// decode reads base64url without padding, in the one way that each byte string is written. The
// library's decoder passes over ends of lines, even when it is strict.
func decode(text string) ([]byte, error) {
	if strings.ContainsAny(text, "\r\n") {
		return nil, errors.New("has an end of a line")
	}
	return encoding.DecodeString(text)
}
