package registrar

import (
	"cmp"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/identity"
	"github.com/token-rate-limiter/token-rate-limiter/internal/registry"
)

// createRequest is the body of a request for a new key.
type createRequest struct {
	Name      string          `json:"name"`
	User      string          `json:"user"`
	Tenant    string          `json:"tenant"` // none: that of who asks
	Roles     []identity.Role `json:"roles"`  // none: user
	ActAs     bool            `json:"act_as"`
	Models    []string        `json:"models"`
	Endpoints []string        `json:"endpoints"`
	ExpiresAt string          `json:"expires_at"`
	Hash      string          `json:"hash"` // of a secret that was made elsewhere
}

// createKey creates a key, and tells its secret.
func (h *Handler) createKey(c *call) (*answer, error) {
	var body createRequest
	return h.once(c, &body, func() (*answer, error) {
		k := registry.Key{
			Name: body.Name, User: body.User, Roles: body.Roles, ActAs: body.ActAs,
			Models: body.Models, Endpoints: body.Endpoints, Tenant: c.by.Tenant,
		}
		if body.Tenant != "" {
			k.Tenant = identity.TenantInside(body.Tenant)
		}
		if err := checkNames(k.Models, k.Endpoints); err != nil {
			return nil, err
		}
		if k.Roles == nil {
			k.Roles = []identity.Role{identity.User}
		}
		if err := readTime(body.ExpiresAt, &k.Expires); err != nil {
			return nil, err
		}
		secret, hash, err := h.newSecret(body.Hash)
		if err != nil {
			return nil, err
		}
		k.Secrets = []registry.Secret{{Hash: hash}}
		if err := k.Check(); err != nil {
			return nil, err
		}
		c.change.May = c.mayGive
		if k, err = h.Store.Create(c.Context(), k, c.change); err != nil {
			return nil, err
		}
		a := h.changed(c, http.StatusCreated, &k, secret)
		if !c.change.DryRun {
			a.location = locationOf(k.ID)
		}
		return a, nil
	})
}

// locationOf returns where a key is.
func locationOf(id string) string { return Base + "/keys/" + url.PathEscape(id) }

// newSecret returns a new secret with its hash, or "" with the hash of one that was made
// elsewhere.
func (h *Handler) newSecret(given string) (secret string, _ registry.Hash, err error) {
	if given == "" {
		secret = registry.NewSecret()
		return secret, registry.HashOf(secret), nil
	}
	hash, err := identity.ParseHash(given)
	if err != nil {
		return "", hash, faulty("#/hash", "is wrong: "+err.Error())
	}
	if registry.Having(hash, h.FileKeys()) != nil {
		return "", hash, registry.ErrTaken
	}
	return "", hash, nil
}

// checkNames refuses lists that are empty: they look like nothing, and would be everything.
func checkNames(models, endpoints []string) error {
	for member, list := range map[string][]string{"models": models, "endpoints": endpoints} {
		if list != nil && len(list) == 0 {
			return faulty("#/"+member, "is empty: name some, or write null for all")
		}
	}
	return nil
}

// readTime reads a time of a body (RFC 3339); "" is none.
func readTime(text string, to *time.Time) error {
	if text == "" {
		return nil
	}
	if err := to.UnmarshalText([]byte(text)); err != nil {
		return faulty("#/expires_at", "must be a time such as 2030-01-31T00:00:00Z")
	}
	*to = to.UTC().Truncate(time.Microsecond)
	if to.IsZero() { // which would be never
		return faulty("#/expires_at", "is over: write a time to come, or null for never")
	}
	return nil
}

// patchRequest is a merge patch of a key (RFC 7396).
type patchRequest struct {
	Name      member[string]          `json:"name"`
	Roles     member[[]identity.Role] `json:"roles"`
	Models    member[[]string]        `json:"models"`
	Endpoints member[[]string]        `json:"endpoints"`
	ExpiresAt member[string]          `json:"expires_at"`
}

// patchKey changes a key.
func (h *Handler) patchKey(c *call) (*answer, error) {
	id, err := h.changeable(c)
	if err != nil {
		return nil, err
	}
	text, err := h.read(c, mediaPatch, mediaJSON)
	if err != nil {
		return nil, err
	}
	var p patchRequest
	if err := parse(text, &p); err != nil {
		return nil, err
	}
	var expires time.Time
	if err := readTime(p.ExpiresAt.value, &expires); err != nil {
		return nil, err
	}
	for name, null := range map[string]bool{"name": p.Name.null, "roles": p.Roles.null} {
		if null {
			return nil, faulty("#/"+name, "must not be null: each key has it")
		}
	}
	if err := checkNames(p.Models.value, p.Endpoints.value); err != nil {
		return nil, err
	}
	c.change.May = c.ifKnown(c.mayGive)
	k, err := h.Store.Update(c.Context(), id, c.change, registry.ActionUpdate,
		func(k *registry.Key, now time.Time) error {
			if !k.Revoked.IsZero() {
				return registry.ErrRevoked
			}
			p.Name.put(&k.Name)
			p.Roles.put(&k.Roles)
			p.Models.put(&k.Models)
			p.Endpoints.put(&k.Endpoints)
			before := k.Expires
			if p.ExpiresAt.sent {
				k.Expires = expires
			}
			return cmp.Or(k.CheckEnd(before, now), k.Check())
		})
	if err != nil {
		return nil, err
	}
	return h.changed(c, http.StatusOK, &k, ""), nil
}

// revokeKey ends a key, for ever. One that has ended so stays as it is.
func (h *Handler) revokeKey(c *call) (*answer, error) {
	id, err := h.changeable(c)
	if err != nil {
		return nil, err
	}
	c.change.May = c.ifKnown(c.mayEnd)
	k, err := h.Store.Update(c.Context(), id, c.change, registry.ActionRevoke,
		(*registry.Key).Revoke)
	if errors.Is(err, registry.ErrRevoked) {
		k, err = h.Store.Key(c.Context(), id)
	}
	if err != nil {
		return nil, err
	}
	return h.changed(c, http.StatusOK, &k, ""), nil
}

// rotateRequest is the body of a request for a key's next secret.
type rotateRequest struct {
	Overlap string `json:"overlap"`
	Hash    string `json:"hash"` // of a secret that was made elsewhere
}

// rotateKey gives a key another secret. Its id and its accounts stay.
func (h *Handler) rotateKey(c *call) (*answer, error) {
	id, err := h.changeable(c)
	if err != nil {
		return nil, err
	}
	var body rotateRequest
	return h.once(c, &body, func() (*answer, error) {
		overlap, err := time.ParseDuration(body.Overlap)
		if err != nil {
			return nil, faulty("#/overlap", "must say for how long the secrets before stay good, "+
				"such as 24h; 0s ends them at once")
		}
		secret, hash, err := h.newSecret(body.Hash)
		if err != nil {
			return nil, err
		}
		c.change.May = c.ifKnown(c.mayGive)
		k, err := h.Store.Update(c.Context(), id, c.change, registry.ActionRotate,
			func(k *registry.Key, now time.Time) error {
				return k.Rotate(hash, overlap, now)
			})
		if err != nil {
			return nil, err
		}
		return h.changed(c, http.StatusOK, &k, secret), nil
	})
}

// changeable returns the id of the key that a request wants to change, if that can be.
func (h *Handler) changeable(c *call) (string, error) {
	id := c.PathValue("id")
	if _, inFile := h.fileKey(c, id); inFile {
		return "", problem("owned_by_file",
			"the key is one of the configuration: change it there, in auth.api-keys")
	}
	if !registry.IsID(id) {
		return "", registry.ErrNotFound
	}
	return id, nil
}

// changed has this replica apply a change, and returns what the change is answered with. A dry
// run is told as it would be, without the secret.
func (h *Handler) changed(c *call, status int, k *registry.Key, secret string) *answer {
	if c.change.DryRun {
		return &answer{status: http.StatusOK, body: NewKey(k, h.Now())}
	}
	_ = h.Follow(c.Context()) // it is in the log, and the change is made
	shown := NewKey(k, h.Now())
	shown.Secret = secret
	return &answer{status: status, body: shown, etag: k.Revision}
}
