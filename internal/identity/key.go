package identity

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// hashPrefix begins every hash, naming its algorithm. A plain digest is enough
// because keys are random and long: there is nothing to guess.
const hashPrefix = "sha256:"

// KeyBytesMin is the shortest key that HashKey accepts, in bytes: 128 bits in hexadecimal digits.
const KeyBytesMin = 32

// ErrShortKey is returned by HashKey for a key that could be guessed.
var ErrShortKey = fmt.Errorf("the key is shorter than %d characters; "+
	"make one with: openssl rand -hex 32", KeyBytesMin)

// ErrUnknown is returned for a credential that is nobody's.
var ErrUnknown = errors.New("the credential is not known")

// HashKey returns the hash of a key, as the configuration wants it:
// "sha256:" and 64 hexadecimal digits. It fails with ErrShortKey.
func HashKey(key string) (string, error) {
	if len(key) < KeyBytesMin {
		return "", ErrShortKey
	}
	sum := sha256.Sum256([]byte(key))
	return hashPrefix + hex.EncodeToString(sum[:]), nil
}

// Key is a configured API key.
type Key struct {
	Name   string // names the key in logs; not secret
	User   string
	Tenant string // "": the default one
	Hash   string // see HashKey
	Roles  []Role
	ActAs  bool
	Reach  *Reach // nil: all
}

// Keys knows API keys by their hashes.
type Keys struct {
	byPrefix map[[8]byte][]hashedKey // by the first bytes of the hash: they tell nothing of the key
}

type hashedKey struct {
	hash      [sha256.Size]byte
	principal Principal
}

// NewKeys returns the given keys. It fails where a hash is none, or two keys have the same one.
func NewKeys(keys []Key) (*Keys, error) {
	k := &Keys{byPrefix: map[[8]byte][]hashedKey{}}
	seen := map[[sha256.Size]byte]string{}
	for _, key := range keys {
		hash, err := parseHash(key.Hash)
		if err != nil {
			return nil, fmt.Errorf("the API key %q: %w", key.Name, err)
		}
		if other, ok := seen[hash]; ok {
			return nil, fmt.Errorf("the API keys %q and %q have the same hash", other, key.Name)
		}
		seen[hash] = key.Name
		p := Principal{
			User: key.User, Tenant: key.Tenant, Account: AccountOf(key.Tenant, key.User),
			Roles: key.Roles, Permissions: PermissionsOf(key.Roles),
			ActAs: key.ActAs, Reach: key.Reach, Credential: key.Name,
		}
		prefix := [8]byte(hash[:8])
		k.byPrefix[prefix] = append(k.byPrefix[prefix], hashedKey{hash, p})
	}
	return k, nil
}

func parseHash(s string) (hash [sha256.Size]byte, err error) {
	digits, ok := strings.CutPrefix(s, hashPrefix)
	if !ok || len(digits) != 2*len(hash) {
		return hash, fmt.Errorf("its hash must be %q and %d hexadecimal digits; "+
			"make it with: token-rate-limiter key hash", hashPrefix, 2*len(hash))
	}
	if _, err := hex.Decode(hash[:], []byte(digits)); err != nil {
		return hash, fmt.Errorf("its hash: %w", err)
	}
	return hash, nil
}

// Open implements Authenticator: each needs a key.
func (*Keys) Open() bool { return false }

// Authenticate implements Authenticator. What it finds takes too little to be kept.
func (k *Keys) Authenticate(_ context.Context, key string) (Proof, error) {
	var room [128]byte // on the stack
	hash := sha256.Sum256(append(room[:0], key...))
	candidates := k.byPrefix[[8]byte(hash[:8])]
	for i := range candidates {
		if subtle.ConstantTimeCompare(candidates[i].hash[:], hash[:]) == 1 {
			return Proof{Principal: &candidates[i].principal}, nil
		}
	}
	return Proof{}, ErrUnknown
}
