package registry

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
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

	mu    sync.RWMutex
	known credentials
}

// credentials are those of keys that are not revoked.
type credentials struct {
	byHash map[Hash]credential
	byID   map[string]*holder
}

// credential is one secret of a key.
type credential struct {
	*holder
	expires time.Time // of the secret or of its key, whichever is first; zero: never
}

// holder is what is known of a key. Only used is changed.
type holder struct {
	principal identity.Principal
	// models and endpoints are the key's own: what its reach was made of.
	models, endpoints []string
	expires           time.Time
	secrets           []Secret // that were not ended by another
	// used is when the key was last let in, in seconds since 1970; 0: not since it was told.
	used atomic.Int64
}

// NewKeyring returns one that knows no key. fresh reports whether what it knows is what there
// is, at the moment; now is the clock.
func NewKeyring(now func() time.Time, fresh func() bool) *Keyring {
	return &Keyring{now: now, fresh: fresh, known: newCredentials(0)}
}

func newCredentials(keys int) credentials {
	return credentials{make(map[Hash]credential, keys), make(map[string]*holder, keys)}
}

// applyAtOnce is how many changed keys whoever authenticates may have to wait for.
const applyAtOnce = 500

// Apply takes over what has changed, each key at one moment for whoever authenticates, and all of
// them where they are whole. One goroutine at a time may call it.
func (r *Keyring) Apply(c Changes) {
	if c.Whole { // made beside what is known, for whoever authenticates does not wait for it
		known := newCredentials(len(c.Keys))
		for i := range c.Keys {
			known.replace(c.Keys[i].ID, newHolder(&c.Keys[i]))
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		for id, h := range r.known.byID {
			if now := known.byID[id]; now != nil {
				now.used.Store(h.used.Load())
			}
		}
		r.known = known
		return
	}
	for some := range slices.Chunk(c.Keys, applyAtOnce) {
		holders := make([]*holder, len(some))
		for i := range some {
			holders[i] = newHolder(&some[i])
		}
		r.mu.Lock()
		for i, h := range holders {
			r.known.replace(some[i].ID, h)
		}
		r.mu.Unlock()
	}
}

// newHolder returns what is to be known of a key; nil: nothing, for it is revoked.
func newHolder(k *Key) *holder {
	if !k.Revoked.IsZero() {
		return nil
	}
	h := &holder{models: k.Models, endpoints: k.Endpoints, expires: k.Expires}
	h.principal = identity.Principal{
		User: k.User, Roles: k.Roles, Permissions: identity.PermissionsOf(k.Roles),
		ActAs: k.ActAs, Reach: k.Reach(), Credential: k.ID,
	}
	for i, s := range k.Secrets {
		if !superseded(k.Secrets, i) {
			h.secrets = append(h.secrets, s)
		}
	}
	return h
}

// replace has h, or nothing, be what is known of the key with that id.
func (c credentials) replace(id string, h *holder) {
	if before := c.byID[id]; before != nil {
		for i := range before.secrets {
			delete(c.byHash, before.secrets[i].Hash)
		}
		delete(c.byID, id)
		if h != nil {
			h.used.Store(before.used.Load())
		}
	}
	if h == nil {
		return
	}
	for _, s := range h.secrets {
		c.byHash[s.Hash] = credential{h, earlier(h.expires, s.Expires)}
	}
	c.byID[id] = h
}

// Keys returns the keys that are known, as far as it takes to know them again: of those that are
// revoked, and of names, nothing is there.
func (r *Keyring) Keys() []Key {
	r.mu.RLock()
	defer r.mu.RUnlock()
	keys := make([]Key, 0, len(r.known.byID))
	for id, h := range r.known.byID {
		keys = append(keys, Key{
			ID: id, User: h.principal.User, Roles: h.principal.Roles, ActAs: h.principal.ActAs,
			Models: h.models, Endpoints: h.endpoints, Expires: h.expires, Secrets: h.secrets,
		})
	}
	return keys
}

// TakeUsed returns when keys were last let in since TakeUsed was called before, by their ids, to
// the second.
func (r *Keyring) TakeUsed() map[string]time.Time {
	r.mu.RLock()
	defer r.mu.RUnlock()
	used := map[string]time.Time{}
	for id, h := range r.known.byID {
		if at := h.used.Swap(0); at != 0 {
			used[id] = time.Unix(at, 0)
		}
	}
	return used
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
// fails with ErrStale where identity.ErrUnknown might be wrong.
func (r *Keyring) Authenticate(_ context.Context, secret string) (identity.Proof, error) {
	if CheckSecret(secret) != nil {
		return identity.Proof{}, identity.ErrUnknown
	}
	fresh := r.fresh() // before the look, for what is read meanwhile is not seen by it
	hash := HashOf(secret)
	r.mu.RLock()
	c := r.known.byHash[hash]
	r.mu.RUnlock()
	if now := r.now(); c.holder != nil && !reached(c.expires, now) {
		if second := now.Unix(); c.used.Load() != second { // once a second, however many come
			c.used.Store(second)
		}
		return identity.Proof{Principal: &c.principal}, nil
	}
	if !fresh {
		return identity.Proof{}, ErrStale
	}
	return identity.Proof{}, identity.ErrUnknown
}
