package identity

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
)

// ErrUnknown is returned for a credential that is nobody's.
var ErrUnknown = errors.New("the credential is not known")

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
	hash      Hash
	principal Principal
}

// NewKeys returns the given keys. It fails where a hash is none, or two keys have the same one.
func NewKeys(keys []Key) (*Keys, error) {
	k := &Keys{byPrefix: map[[8]byte][]hashedKey{}}
	seen := map[Hash]string{}
	for _, key := range keys {
		hash, err := ParseHash(key.Hash)
		if err != nil {
			return nil, fmt.Errorf("the hash of the API key %q: %w", key.Name, err)
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

// Open implements Authenticator: each needs a key.
func (*Keys) Open() bool { return false }

// Authenticate implements Authenticator. What it finds takes too little to be kept.
func (k *Keys) Authenticate(_ context.Context, key string) (Proof, error) {
	hash := HashOf(key)
	candidates := k.byPrefix[[8]byte(hash[:8])]
	for i := range candidates {
		if subtle.ConstantTimeCompare(candidates[i].hash[:], hash[:]) == 1 {
			return Proof{Principal: &candidates[i].principal}, nil
		}
	}
	return Proof{}, ErrUnknown
}
