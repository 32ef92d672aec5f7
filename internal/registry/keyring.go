package registry

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/identity"
)

// ErrStale is returned for a credential that is not known, while what is known may be old: it
// may be somebody's.
var ErrStale = errors.New(
	"the control database does not answer, and the credential may be newer than what is known")

// Keyring knows the keys of the registry and who may not come in, and is an
// [identity.Authenticator]. The zero value is not ready: see NewKeyring. It is safe for
// concurrent use.
type Keyring struct {
	now   func() time.Time
	fresh func() bool

	mu    sync.RWMutex
	known credentials
	// census is changed together with known.
	census atomic.Pointer[identity.Census]
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

// Census returns who may not come in at the moment, and what custom roles give. It allocates
// nothing.
func (r *Keyring) Census() *identity.Census { return r.census.Load() }

// Apply takes over what has changed, all of it at one moment for whoever authenticates. One
// goroutine at a time may call it.
func (r *Keyring) Apply(c Changes) {
	census := r.census.Load()
	if c.Whole {
		census = nil
	}
	census = census.With(censusChanges(c))
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
		r.census.Store(census)
		return
	}
	holders := make([]*holder, len(c.Keys))
	for i := range c.Keys {
		holders[i] = newHolder(&c.Keys[i])
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, h := range holders {
		r.known.replace(c.Keys[i].ID, h)
	}
	r.census.Store(census)
}

// censusChanges returns what has changed of the census.
func censusChanges(c Changes) (to identity.Changes) {
	to = identity.Changes{
		Tenants: make(map[string]bool, len(c.Tenants)),
		Users:   make(map[identity.Person]bool, len(c.Users)),
		Roles:   make(map[identity.Role]identity.PermissionSet, len(c.Roles)),
	}
	for _, t := range c.Tenants {
		to.Tenants[t.Name] = t.Disabled
	}
	for _, u := range c.Users {
		to.Users[identity.Person{Tenant: u.Tenant, User: u.Name}] = u.Disabled
	}
	for i := range c.Roles {
		if r := &c.Roles[i]; !r.Name.Known() { // a later version's may be one of ours
			to.Roles[r.Name] = r.Gives()
		}
	}
	return to
}

// newHolder returns what is to be known of a key; nil: nothing, for it is revoked.
func newHolder(k *Key) *holder {
	if !k.Revoked.IsZero() {
		return nil
	}
	h := &holder{models: k.Models, endpoints: k.Endpoints, expires: k.Expires}
	h.principal = identity.Principal{
		User: k.User, Tenant: k.Tenant, Account: identity.AccountOf(k.Tenant, k.User),
		Roles: k.Roles, Permissions: identity.PermissionsOf(k.Roles),
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
			ID: id, User: h.principal.User, Tenant: h.principal.Tenant,
			Roles: h.principal.Roles, ActAs: h.principal.ActAs, Models: h.models,
			Endpoints: h.endpoints, Expires: h.expires, Secrets: h.secrets,
		})
	}
	return keys
}

// people returns who is known not to come in, and the custom roles, as far as it takes to know
// them again.
func (r *Keyring) people() (tenants []Tenant, users []User, roles []Role) {
	c := r.Census()
	for _, name := range c.Tenants() {
		tenants = append(tenants, Tenant{Name: name, Disabled: true})
	}
	for _, p := range c.Users() {
		users = append(users, User{Tenant: p.Tenant, Name: p.User, Disabled: true})
	}
	for _, name := range c.Roles() {
		gives, _ := c.Gives(name)
		roles = append(roles, NewRole(name, gives))
	}
	return tenants, users, roles
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
	c, census := r.known.byHash[hash], r.census.Load()
	r.mu.RUnlock()
	if now := r.now(); c.holder != nil && !reached(c.expires, now) {
		if second := now.Unix(); c.used.Load() != second { // once a second, however many come
			c.used.Store(second)
		}
		return identity.Proof{Principal: &c.principal, Census: census}, nil
	}
	if !fresh {
		return identity.Proof{}, ErrStale
	}
	return identity.Proof{}, identity.ErrUnknown
}
