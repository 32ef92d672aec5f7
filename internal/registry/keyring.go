package registry

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/identity"
)

// ErrStale is returned for a credential that is not known, while what is known may be old: it
// may be somebody's.
var ErrStale = errors.New(
	"the control database does not answer, and the credential may be newer than what is known")

// Keyring knows the keys of the registry, and is an [identity.Authenticator]. The zero value is
// not ready: see NewKeyring. It is safe for concurrent use.
type Keyring struct {
	now   func() time.Time
	fresh func() bool

	mu     sync.RWMutex
	byHash map[Hash]*credential
	byID   map[string][]Hash // of each key, its secrets
}

// credential is one secret of a key that is not revoked. It is not changed.
type credential struct {
	principal identity.Principal
	expires   time.Time // of the secret or of its key, whichever is first; zero: never
}

// NewKeyring returns one that knows no key. fresh reports whether what it knows is what there
// is, at the moment; now is the clock.
func NewKeyring(now func() time.Time, fresh func() bool) *Keyring {
	return &Keyring{
		now: now, fresh: fresh, byHash: map[Hash]*credential{}, byID: map[string][]Hash{},
	}
}

// Apply takes over what has changed, all of it at one moment for whoever authenticates.
func (r *Keyring) Apply(c Changes) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if c.Whole {
		clear(r.byHash)
		clear(r.byID)
	}
	for i := range c.Keys {
		r.replace(&c.Keys[i])
	}
}

// replace takes over one key. The caller holds the lock.
func (r *Keyring) replace(k *Key) {
	for _, h := range r.byID[k.ID] {
		delete(r.byHash, h)
	}
	delete(r.byID, k.ID)
	if !k.Revoked.IsZero() {
		return
	}
	p := identity.Principal{
		User: k.User, Roles: k.Roles, Permissions: identity.PermissionsOf(k.Roles),
		ActAs: k.ActAs, Credential: k.ID,
	}
	for _, s := range k.Secrets {
		r.byHash[s.Hash] = &credential{p, earlier(k.Expires, s.Expires)}
		r.byID[k.ID] = append(r.byID[k.ID], s.Hash)
	}
}

// earlier returns the first of two moments; the zero time is none.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// Open implements identity.Authenticator: each needs a key.
func (*Keyring) Open() bool { return false }

// Authenticate implements identity.Authenticator. A key is looked up by its hash, whose bytes
// nobody can choose, and takes the same steps whether it is known, expired, revoked or none. It
// fails with ErrStale where identity.ErrUnknown might be
// wrong.
func (r *Keyring) Authenticate(_ context.Context, secret string) (identity.Proof, error) {
	if CheckSecret(secret) != nil {
		return identity.Proof{}, identity.ErrUnknown
	}
	hash := HashOf(secret)
	r.mu.RLock()
	c := r.byHash[hash]
	r.mu.RUnlock()
	now := r.now()
	if c != nil && !reached(c.expires, now) {
		return identity.Proof{Principal: &c.principal}, nil
	}
	if !r.fresh() {
		return identity.Proof{}, ErrStale
	}
	return identity.Proof{}, identity.ErrUnknown
}
