package registrar

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/token-rate-limiter/token-rate-limiter/internal/identity"
	"github.com/token-rate-limiter/token-rate-limiter/internal/registry"
)

// list is an answer with some of what there is.
type list[T any] struct {
	Object  string `json:"object"` // "list"
	Data    []T    `json:"data"`
	HasMore bool   `json:"has_more"`
	Next    string `json:"next,omitzero"` // what "after" is for those that follow
}

// newList returns a list after whose items more begin; "": it has the last one.
func newList[T any](data []T, next string) *answer {
	if data == nil {
		data = []T{}
	}
	return &answer{status: http.StatusOK, body: list[T]{"list", data, next != "", next}}
}

// The lengths of lists: what is told unless more or fewer are asked for, and the most.
const limitUsual, limitMax = 100, 1000

// listKeys lists the keys of the file, and behind them those of the database in the order of
// their creation.
func (h *Handler) listKeys(c *call) (*answer, error) {
	limit, err := c.number("limit", 1, limitMax, limitUsual)
	if err != nil {
		return nil, err
	}
	q := registry.Query{
		User: c.query.Get("user"), State: registry.State(c.query.Get("state")),
		After: c.query.Get("after"),
	}
	if q.Tenant, err = c.tenant(); err != nil {
		return nil, err
	}
	switch {
	case c.query.Has("state") && !slices.Contains(registry.States, q.State):
		return nil, misused("state", "must be active, expired or revoked")
	case identity.CheckUser(q.User) != nil || strings.ContainsRune(q.User, 0):
		return nil, misused("user", "is no name of a user")
	case q.After != "" && !registry.IsID(q.After) && !strings.HasPrefix(q.After, filePrefix):
		return nil, misused("after", "must be the value of next in the list before")
	}
	some := false
	if q.Tenant, some = c.within(q.Tenant, identity.KeysRead); !some {
		return newList[Key](nil, ""), nil
	}
	var data []Key
	if !registry.IsID(q.After) {
		data = h.fileKeysAfter(q)
		if q.After = ""; len(data) > int(limit) {
			return newList(data[:limit], data[limit-1].ID), nil
		}
	}
	if h.Store == nil {
		return newList(data, ""), nil
	}
	q.Limit = int(limit) - len(data)
	if q.Limit == 0 { // whether there are more is found out by a question for one
		q.Limit = 1
		p, err := h.Store.Keys(c.Context(), q)
		if err != nil || len(p.Keys) == 0 {
			return newList(data, ""), err
		}
		return newList(data, data[limit-1].ID), nil
	}
	p, err := h.Store.Keys(c.Context(), q)
	if err != nil {
		return nil, err
	}
	now := h.Now()
	for i := range p.Keys {
		data = append(data, NewKey(&p.Keys[i], now))
	}
	return newList(data, p.Next), nil
}

// fileKeysAfter returns the keys of the file that q chooses, all of them.
func (h *Handler) fileKeysAfter(q registry.Query) (data []Key) {
	if q.State != "" && q.State != registry.Active {
		return nil
	}
	keys := h.FileKeys()
	for i := range keys {
		k := newFileKey(&keys[i])
		if k.ID > q.After && (q.User == "" || k.User == q.User) &&
			(q.Tenant == "" || k.Tenant == q.Tenant) {
			data = append(data, k)
		}
	}
	return data
}

// showKey shows one key.
func (h *Handler) showKey(c *call) (*answer, error) {
	id := c.PathValue("id")
	if k, inFile := h.fileKey(c, id); inFile {
		return &answer{status: http.StatusOK, body: newFileKey(k)}, nil
	}
	if h.Store == nil || !registry.IsID(id) {
		return nil, registry.ErrNotFound
	}
	k, err := h.Store.Key(c.Context(), id)
	if err == nil && !c.knowsKey(&k) {
		err = registry.ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	return h.shown(http.StatusOK, &k), nil
}

// knowsKey reports whether the sender of a request may know of a key.
func (c *call) knowsKey(k *registry.Key) bool {
	return c.knows(k.Tenant, identity.KeysRead, identity.KeysWrite)
}

// shown returns the answer that shows a key of the database.
func (h *Handler) shown(status int, k *registry.Key) *answer {
	return &answer{status: status, body: NewKey(k, h.Now()), etag: k.Revision}
}

// identifyRequest is the body of a question whose a secret is.
type identifyRequest struct {
	Secret string `json:"secret"`
}

// identifyKey tells whose a secret is that was found somewhere. The secret is in no answer and
// in no log.
func (h *Handler) identifyKey(c *call) (*answer, error) {
	text, err := h.read(c, mediaJSON)
	if err != nil {
		return nil, err
	}
	var body identifyRequest
	if err := parse(text, &body); err != nil {
		return nil, err
	}
	switch {
	case body.Secret == "":
		return nil, faulty("#/secret", "is missing: send the secret that was found")
	case registry.CheckSecret(body.Secret) != nil:
		return nil, faulty("#/secret", "is mistyped or cut off: its checksum is wrong")
	}
	hash := registry.HashOf(body.Secret)
	if k := registry.Having(hash, h.FileKeys()); k != nil && c.knowsKey(k) {
		return &answer{status: http.StatusOK, body: newFileKey(k)}, nil
	}
	err = registry.ErrNotFound
	var k registry.Key
	if h.Store != nil {
		k, err = h.Store.KeyOf(c.Context(), hash)
	}
	if err == nil && !c.knowsKey(&k) {
		err = registry.ErrNotFound
	}
	if errors.Is(err, registry.ErrNotFound) {
		return nil, problem("key_not_found", "the secret is of no key")
	}
	if err != nil {
		return nil, err
	}
	return h.shown(http.StatusOK, &k), nil
}
