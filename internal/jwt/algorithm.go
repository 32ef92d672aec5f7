package jwt

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"slices"

	"github.com/golang-jwt/jwt/v5"
)

// Algorithm is how a token is signed, by its name in RFC 7518 and RFC 8037.
type Algorithm string

// algorithm is what a signature is verified with, and what kind of key it is made for.
type algorithm struct {
	method jwt.SigningMethod
	fits   func(material any) bool // reports whether key material is of the right kind
	secret int                     // the least length of a secret in bytes; 0: it takes none
}

// algorithms are all that can be used. `none` is not among them.
var algorithms = map[Algorithm]algorithm{
	"HS256": hmac(jwt.SigningMethodHS256, 32), // RFC 7518, section 3.2: no shorter than the hash
	"HS384": hmac(jwt.SigningMethodHS384, 48),
	"HS512": hmac(jwt.SigningMethodHS512, 64),
	"RS256": {method: jwt.SigningMethodRS256, fits: isRSA},
	"RS384": {method: jwt.SigningMethodRS384, fits: isRSA},
	"RS512": {method: jwt.SigningMethodRS512, fits: isRSA},
	"PS256": {method: jwt.SigningMethodPS256, fits: isRSA},
	"PS384": {method: jwt.SigningMethodPS384, fits: isRSA},
	"PS512": {method: jwt.SigningMethodPS512, fits: isRSA},
	"ES256": {method: jwt.SigningMethodES256, fits: isOn(elliptic.P256())},
	"ES384": {method: jwt.SigningMethodES384, fits: isOn(elliptic.P384())},
	"ES512": {method: jwt.SigningMethodES512, fits: isOn(elliptic.P521())},
	"EdDSA": {method: jwt.SigningMethodEdDSA, fits: isEdwards},
}

// Algorithms returns the names of all algorithms that can be used, sorted.
func Algorithms() []Algorithm {
	var all []Algorithm
	for a := range algorithms {
		all = append(all, a)
	}
	slices.Sort(all)
	return all
}

// SecretBytesMin returns the least length of a secret for the algorithm, in bytes; 0 where it takes
// a public key.
func (a Algorithm) SecretBytesMin() int { return algorithms[a].secret }

func hmac(m jwt.SigningMethod, least int) algorithm {
	fits := func(material any) bool {
		secret, is := material.([]byte)
		return is && len(secret) >= least
	}
	return algorithm{m, fits, least}
}

func isRSA(material any) bool {
	_, is := material.(*rsa.PublicKey)
	return is
}

func isEdwards(material any) bool {
	_, is := material.(ed25519.PublicKey)
	return is
}

func isOn(curve elliptic.Curve) func(any) bool {
	return func(material any) bool {
		k, is := material.(*ecdsa.PublicKey)
		return is && k.Curve == curve
	}
}
