package registrar

import (
	"cmp"
	"errors"
	"net/http"
	"strings"

	"github.com/token-rate-limiter/token-rate-limiter/internal/gate"
	"github.com/token-rate-limiter/token-rate-limiter/internal/identity"
	"github.com/token-rate-limiter/token-rate-limiter/internal/registry"
	"github.com/token-rate-limiter/token-rate-limiter/internal/reply"
)

// resource serves objects of one kind, each at a path of its own.
type resource[T any] struct {
	missing string // the code of the problem of one that is not there
	remedy  string // what to do then
	objects func(Store) registry.Objects[T]
	// named returns the id that a path names. It fails for a name that no such object can have,
	// and where the sender of the request may not know of it.
	named func(*call) (registry.ObjectID, error)
	// show returns an object as it is shown, and its revision; 0: it has none.
	show func(*T) (shown any, revision int64)
	// put and patch read a body, and return what makes an object be as it says.
	put, patch func(text []byte) (func(*T), error)
	// may returns why the sender may not have an object be another than it was before, or nil.
	// after is nil where it is to be gone.
	may func(h *Handler, c *call, before, after *T, s registry.Standing) error
}

// operations returns what there is to be done with one object. show shows it, and nil stands for
// showOne.
func (r *resource[T]) operations(
	read, write gate.Rule, show func(*Handler, *call) (*answer, error),
) map[string]operation {
	if show == nil {
		show = r.showOne
	}
	return map[string]operation{
		http.MethodGet:    {read, looks, nil, show},
		http.MethodPut:    {write, keeps, nil, r.putOne},
		http.MethodPatch:  {write, keeps, nil, r.patchOne},
		http.MethodDelete: {write, keeps, nil, r.deleteOne},
	}
}

// problemOf returns err, or that the object is not there.
func (r *resource[T]) problemOf(err error) error {
	if errors.Is(err, registry.ErrNotFound) {
		return problem(r.missing, "%s", r.remedy)
	}
	return err
}

// showOne shows an object.
func (r *resource[T]) showOne(h *Handler, c *call) (*answer, error) {
	id, err := r.named(c)
	if err != nil || h.Store == nil {
		return nil, r.problemOf(cmp.Or(err, registry.ErrNotFound))
	}
	o, err := r.objects(h.Store).Get(c.Context(), id)
	if err != nil {
		return nil, r.problemOf(err)
	}
	return r.shown(&o), nil
}

// shown returns the answer that shows an object.
func (r *resource[T]) shown(o *T) *answer {
	body, revision := r.show(o)
	return &answer{status: http.StatusOK, body: body, etag: revision}
}

// putOne makes an object, or has it be as the body says.
func (r *resource[T]) putOne(h *Handler, c *call) (*answer, error) {
	if err := c.readAbsent(); err != nil {
		return nil, err
	}
	return r.write(h, c, r.put, mediaJSON)
}

// patchOne changes an object that is there.
func (r *resource[T]) patchOne(h *Handler, c *call) (*answer, error) {
	c.existing = true
	return r.write(h, c, r.patch, mediaPatch, mediaJSON)
}

// write has an object be as a body says, of which read is asked.
func (r *resource[T]) write(
	h *Handler, c *call, read func([]byte) (func(*T), error), media ...string,
) (*answer, error) {
	id, err := r.named(c)
	if err != nil {
		return nil, r.problemOf(err)
	}
	text, err := h.read(c, media...)
	if err != nil {
		return nil, err
	}
	change, err := read(text)
	if err != nil {
		return nil, err
	}
	created := false
	o, err := r.objects(h.Store).Put(c.Context(), id, c.change,
		func(o *T, s registry.Standing) error {
			before := *o
			_, revision := r.show(o)
			if created = revision == 0; created && c.existing {
				return registry.ErrNotFound
			}
			if created && c.change.Expected == 0 && c.matches {
				return registry.ErrConflict
			}
			change(o)
			return r.may(h, c, &before, o, s)
		})
	if err != nil {
		return nil, r.problemOf(err)
	}
	a := r.shown(&o)
	if c.change.DryRun {
		a.etag = 0
		return a, nil
	}
	_ = h.Follow(c.Context()) // it is in the log, and the change is made
	if created {
		a.status, a.location = http.StatusCreated, c.URL.EscapedPath()
	}
	return a, nil
}

// deleteOne has an object be gone, and shows it as it was.
func (r *resource[T]) deleteOne(h *Handler, c *call) (*answer, error) {
	id, err := r.named(c)
	if err != nil {
		return nil, r.problemOf(err)
	}
	var gone T
	err = r.objects(h.Store).Delete(c.Context(), id, c.change,
		func(before T, s registry.Standing) error {
			gone = before
			return r.may(h, c, &before, nil, s)
		})
	if err != nil {
		return nil, r.problemOf(err)
	}
	if !c.change.DryRun {
		_ = h.Follow(c.Context()) // it is in the log, and the change is made
	}
	body, _ := r.show(&gone)
	return &answer{status: http.StatusOK, body: body}, nil
}

// readAbsent reads If-None-Match, which has one use here: to make only what is not there.
func (c *call) readAbsent() error {
	tags := c.Header.Values("If-None-Match")
	switch {
	case len(tags) == 0:
		return nil
	case len(tags) > 1 || strings.TrimSpace(tags[0]) != "*":
		return misheaded("invalid_request", "If-None-Match",
			"must be *: only make what is not there")
	case c.matches:
		return misheaded("invalid_request", "If-None-Match", "cannot be sent with If-Match")
	}
	c.change.Expected = registry.Absent
	return nil
}

// page reads which objects of a list are asked for.
func (c *call) page() (q registry.ObjectQuery, err error) {
	limit, err := c.number("limit", 1, limitMax, limitUsual)
	if err != nil {
		return q, err
	}
	q.After, q.Limit = c.query.Get("after"), int(limit)
	if strings.ContainsRune(q.After, 0) {
		return q, misused("after", "must be the value of next in the list before")
	}
	if q.Disabled = c.query.Get("disabled") == "true"; c.query.Has("disabled") && !q.Disabled {
		return q, misused("disabled", "must be true, or be left out for all")
	}
	return q, nil
}

// listed lists some objects as they are shown.
func listed[T, S any](
	h *Handler, c *call, objects func(Store) registry.Objects[T], q registry.ObjectQuery,
	show func(*T) S,
) (*answer, error) {
	if h.Store == nil {
		return newList[S](nil, ""), nil
	}
	p, err := objects(h.Store).List(c.Context(), q)
	if err != nil {
		return nil, err
	}
	data := make([]S, len(p.Objects))
	for i := range p.Objects {
		data[i] = show(&p.Objects[i])
	}
	return newList(data, p.Next), nil
}

// knows reports whether the sender of a request may know of what is of a tenant: he has one of the
// permissions there.
func (c *call) knows(tenant string, permissions ...identity.Permission) bool {
	for _, p := range permissions {
		if c.by.MayIn(p, tenant) {
			return true
		}
	}
	return false
}

// forbidden returns the problem of what an identity.BeyondError says; another error as it is.
func forbidden(err error) error {
	beyond, isBeyond := errors.AsType[*identity.BeyondError](err)
	if !isBeyond {
		return err
	}
	p := problem("permission_denied", "you may not do that: %v", beyond)
	if beyond.Part == "permissions" {
		p.Faults = []reply.Fault{{Pointer: "#/" + beyond.Part, Detail: beyond.Problem}}
	}
	return p
}
