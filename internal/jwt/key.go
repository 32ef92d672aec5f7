package jwt

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
)

// Key is a public key of an issuer, or a secret that is shared with it. It is made by ParseKey,
// ParseSet and NewSecret, and safe for concurrent use.
type Key struct {
	id        string    // as the issuer names it; "": it has no name
	algorithm Algorithm // the only one that it is for; "": each that fits
	material  any       // []byte, *rsa.PublicKey, *ecdsa.PublicKey or ed25519.PublicKey
	sum       [sha256.Size]byte
	gone      atomic.Bool // whether the issuer has taken it back
}

// Bounds on keys. An RSA key that is too long costs time for each signature.
const (
	rsaBitsMin = 2048
	rsaBitsMax = 8192
	idBytesMax = 256
)

// Errors of keys that are not taken. They hold nothing of the key.
var (
	errPrivate = errors.New("is a private key, which only its issuer may have")
	errNoKey   = errors.New("is neither a public key in PEM nor a JWK")
	errKind    = errors.New("is of a kind that no algorithm here is for")
)

// NewSecret returns the key of issuers that sign with a secret. Whether it is long enough is for
// [Key.Fits] to say.
func NewSecret(secret string) *Key {
	k := &Key{material: []byte(secret)}
	k.sum = k.fingerprint([]byte(secret))
	return k
}

// ParseKey reads a public key: PEM (a PKIX public key, or a certificate of which only the key
// counts), or a JWK. Its errors follow the name of what holds the key.
func ParseKey(text string) (*Key, error) {
	text = strings.TrimSpace(text)
	if strings.HasPrefix(text, "{") {
		o, err := parseObject([]byte(text))
		if err != nil {
			return nil, fmt.Errorf("is no JWK: %w", err)
		}
		return parseJWK(o)
	}
	block, rest := pem.Decode([]byte(text))
	switch {
	case block == nil:
		return nil, errNoKey
	case len(bytes.TrimSpace(rest)) > 0:
		return nil, errors.New("has something behind the key")
	case strings.HasSuffix(block.Type, "PRIVATE KEY"):
		return nil, errPrivate
	case block.Type == "PUBLIC KEY":
		material, err := x509.ParsePKIXPublicKey(block.Bytes)
		if err != nil {
			return nil, errNoKey
		}
		return newKey("", "", material)
	case block.Type == "CERTIFICATE":
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, errNoKey
		}
		return newKey("", "", c.PublicKey)
	}
	return nil, errNoKey
}

// newKey returns a public key whose material is strong enough.
func newKey(id string, a Algorithm, material any) (*Key, error) {
	switch m := material.(type) {
	case *rsa.PublicKey:
		switch bits := m.N.BitLen(); {
		case bits < rsaBitsMin || bits > rsaBitsMax:
			return nil, fmt.Errorf("has %d bits, and RSA keys have from %d to %d",
				bits, rsaBitsMin, rsaBitsMax)
		case m.E < 3 || m.E%2 == 0 || m.N.Bit(0) == 0:
			return nil, errors.New("is no RSA key")
		}
	case *ecdsa.PublicKey:
		if c := m.Curve; c != elliptic.P256() && c != elliptic.P384() && c != elliptic.P521() {
			return nil, errKind
		}
	case ed25519.PublicKey:
	default:
		return nil, errKind
	}
	der, err := x509.MarshalPKIXPublicKey(material)
	if err != nil {
		return nil, errKind
	}
	k := &Key{id: id, algorithm: a, material: material}
	k.sum = k.fingerprint(der)
	if a != "" && !k.Fits(a) {
		return nil, fmt.Errorf("is not made for its alg, %s", a)
	}
	return k, nil
}

// fingerprint tells keys apart, with their names and what they are for.
func (k *Key) fingerprint(material []byte) [sha256.Size]byte {
	return sha256.Sum256(fmt.Appendf(nil, "%q %q %x", k.id, k.algorithm, material))
}

// named reports whether the issuer has given the key a name.
func (k *Key) named() bool { return k.id != "" }

func (k *Key) unnamed() bool { return k.id == "" }

// Fits reports whether the key can verify what is signed by the algorithm.
func (k *Key) Fits(a Algorithm) bool {
	known, is := algorithms[a]
	return is && (k.algorithm == "" || k.algorithm == a) && known.fits(k.material)
}

// verifies reports whether the key has signed a text.
func (k *Key) verifies(a Algorithm, signed string, signature []byte) bool {
	return algorithms[a].method.Verify(signed, signature, k.material) == nil
}
