package registrar

import (
	"net/http"
	"slices"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/identity"
	"github.com/token-rate-limiter/token-rate-limiter/internal/registry"
)

// Role is a role as the registrar shows it.
type Role struct {
	Name    identity.Role `json:"name"`
	BuiltIn bool          `json:"built_in"`
	// Permissions count in every tenant, and TenantPermissions in that of whoever has the role.
	Permissions       []string   `json:"permissions"`
	TenantPermissions []string   `json:"tenant_permissions"`
	Description       string     `json:"description"`
	CreatedAt         *time.Time `json:"created_at"` // of one that is built in: null
	Revision          int64      `json:"revision"`   // of one that is built in: 0
}

// NewRole returns a custom role as it is shown.
func NewRole(r *registry.Role) Role {
	return Role{
		Name: r.Name, Permissions: append([]string{}, r.Permissions...),
		TenantPermissions: append([]string{}, r.TenantPermissions...),
		Description:       r.Description, CreatedAt: timeOrNull(r.Created), Revision: r.Revision,
	}
}

// BuiltInRoles returns the roles that there always are, as they are shown.
func BuiltInRoles() []Role {
	var list []Role
	for _, name := range identity.Roles() {
		r := registry.NewRole(name, name.Gives())
		shown := NewRole(&r)
		shown.BuiltIn = true
		list = append(list, shown)
	}
	return list
}

// BuiltInRole returns a role that there always is, and whether there is one of that name.
func BuiltInRole(name identity.Role) (*Role, bool) {
	list := BuiltInRoles()
	i := slices.IndexFunc(list, func(r Role) bool { return r.Name == name })
	if i < 0 {
		return nil, false
	}
	return &list[i], true
}

// roleRequest is the body of a request for a role as a whole.
type roleRequest struct {
	Permissions       []string `json:"permissions"`
	TenantPermissions []string `json:"tenant_permissions"`
	Description       string   `json:"description"`
}

// rolePatch is a merge patch of a role (RFC 7396).
type rolePatch struct {
	Permissions       member[[]string] `json:"permissions"`
	TenantPermissions member[[]string] `json:"tenant_permissions"`
	Description       member[string]   `json:"description"`
}

// roles serves the roles.
var roles = resource[registry.Role]{
	missing: "role_not_found",
	remedy: "there is no such role: " +
		"GET " + Base + "/roles lists them, and PUT makes one",
	objects: Store.Roles,
	named: func(c *call) (registry.ObjectID, error) {
		r := registry.Role{Name: identity.Role(c.PathValue("role"))}
		if r.Name.Known() {
			return r.ID(), problem("built_in", "the role is one of those that there always are, "+
				"and cannot be changed: make another one")
		}
		if err := r.Name.CheckName(); err != nil {
			return r.ID(), c.checkNamed(&registry.FieldError{Field: "name",
				Problem: "is none: " + err.Error()})
		}
		return r.ID(), nil
	},
	show: func(r *registry.Role) (any, int64) { return NewRole(r), r.Revision },
	put: func(text []byte) (func(*registry.Role), error) {
		var body roleRequest
		if err := parse(text, &body); err != nil {
			return nil, err
		}
		return func(r *registry.Role) {
			r.Permissions, r.TenantPermissions = body.Permissions, body.TenantPermissions
			r.Description = body.Description
		}, nil
	},
	patch: func(text []byte) (func(*registry.Role), error) {
		var patch rolePatch
		if err := parse(text, &patch); err != nil {
			return nil, err
		}
		return func(r *registry.Role) {
			patch.Permissions.put(&r.Permissions)
			patch.TenantPermissions.put(&r.TenantPermissions)
			patch.Description.put(&r.Description)
		}, nil
	},
	may: func(_ *Handler, c *call, before, after *registry.Role, _ registry.Standing) error {
		if after == nil {
			after = &registry.Role{}
		}
		return forbidden(c.by.MayWriteRole(before.Gives(), after.Gives()))
	},
}

// showRole shows a role.
func (h *Handler) showRole(c *call) (*answer, error) {
	if r, known := BuiltInRole(identity.Role(c.PathValue("role"))); known {
		return &answer{status: http.StatusOK, body: r}, nil
	}
	return roles.showOne(h, c)
}

// listRoles lists the roles that there always are, and behind them the others by their names.
func (h *Handler) listRoles(c *call) (*answer, error) {
	q, err := c.page()
	if err != nil {
		return nil, err
	}
	data := BuiltInRoles()
	switch i := slices.IndexFunc(data, func(r Role) bool { return string(r.Name) == q.After }); {
	case i >= 0:
		data, q.After = data[i+1:], ""
	case q.After != "":
		data = nil
	}
	if len(data) > q.Limit {
		return newList(data[:q.Limit], string(data[q.Limit-1].Name)), nil
	}
	if h.Store == nil {
		return newList(data, ""), nil
	}
	full := len(data) == q.Limit // whether there are more is found out by a question for one
	q.Limit = max(1, q.Limit-len(data))
	p, err := h.Store.Roles().List(c.Context(), q)
	switch {
	case err != nil:
		return nil, err
	case full && len(p.Objects) > 0:
		return newList(data, string(data[len(data)-1].Name)), nil
	}
	for i := range p.Objects {
		data = append(data, NewRole(&p.Objects[i]))
	}
	return newList(data, p.Next), nil
}
