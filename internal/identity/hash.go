package identity

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// hashPrefix begins every hash that people read, naming its algorithm.
const hashPrefix = "sha256:"

// Hash is the SHA-256 of a key. A plain digest is enough because keys are random and long: there
// is nothing to guess, so that no salt and no slow hash is needed.
type Hash [sha256.Size]byte

// errNoHash is returned for a text that is no hash.
var errNoHash = errors.New(`it is not "sha256:" and 64 hexadecimal digits in lower case; ` +
	`make it with: token-rate-limiter key hash`)

// KeyBytesMin is the shortest key that HashKey accepts, in bytes: 128 bits in hexadecimal digits.
const KeyBytesMin = 32

// ErrShortKey is returned by HashKey for a key that could be guessed.
var ErrShortKey = fmt.Errorf("the key is shorter than %d characters; "+
	"make one with: openssl rand -hex 32", KeyBytesMin)

// HashOf returns the hash of a key, without an allocation for one of a usual length.
func HashOf(key string) Hash {
	var room [128]byte // on the stack
	return sha256.Sum256(append(room[:0], key...))
}

// HashKey returns the hash of a key, as the configuration wants it: "sha256:" and 64 hexadecimal
// digits in lower case. It fails with ErrShortKey.
func HashKey(key string) (string, error) {
	if len(key) < KeyBytesMin {
		return "", ErrShortKey
	}
	hash := HashOf(key)
	return hashPrefix + hex.EncodeToString(hash[:]), nil
}

// ParseHash reads what HashKey has returned, and nothing else.
func ParseHash(text string) (h Hash, err error) {
	digits, ok := strings.CutPrefix(text, hashPrefix)
	b, err := hex.DecodeString(digits)
	if !ok || err != nil || len(b) != len(h) || strings.ToLower(digits) != digits {
		return h, errNoHash
	}
	return Hash(b), nil
}
