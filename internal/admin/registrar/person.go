package registrar

import (
	"errors"
	"net/http"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/identity"
	"github.com/token-rate-limiter/token-rate-limiter/internal/registry"
)

// Tenant is a tenant as the registrar shows it.
type Tenant struct {
	Name        string     `json:"name"`
	Disabled    bool       `json:"disabled"`
	Description string     `json:"description"`
	CreatedAt   *time.Time `json:"created_at"`
	Revision    int64      `json:"revision"` // of its last change
}

// NewTenant returns t as it is shown.
func NewTenant(t *registry.Tenant) Tenant {
	return Tenant{identity.TenantOutside(t.Name), t.Disabled, t.Description,
		timeOrNull(t.Created), t.Revision}
}

// User is a user as the registrar shows it.
type User struct {
	Tenant      string     `json:"tenant"`
	Name        string     `json:"name"`
	Disabled    bool       `json:"disabled"`
	Description string     `json:"description"`
	CreatedAt   *time.Time `json:"created_at"`
	Revision    int64      `json:"revision"` // of its last change
}

// NewUser returns u as it is shown.
func NewUser(u *registry.User) User {
	return User{identity.TenantOutside(u.Tenant), u.Name, u.Disabled, u.Description,
		timeOrNull(u.Created), u.Revision}
}

// personRequest is the body of a request for a tenant or a user as a whole.
type personRequest struct {
	Disabled    bool   `json:"disabled"`
	Description string `json:"description"`
}

// personPatch is a merge patch of a tenant or a user (RFC 7396).
type personPatch struct {
	Disabled    member[bool]   `json:"disabled"`
	Description member[string] `json:"description"`
}

// readPerson reads the body of a PUT, and puts its members to where field says they are.
func readPerson[T any](
	fields func(*T) (disabled *bool, description *string),
) func([]byte) (func(*T), error) {
	return func(text []byte) (func(*T), error) {
		var body personRequest
		if err := parse(text, &body); err != nil {
			return nil, err
		}
		return func(to *T) {
			disabled, description := fields(to)
			*disabled, *description = body.Disabled, body.Description
		}, nil
	}
}

// readPersonPatch is readPerson for a merge patch.
func readPersonPatch[T any](
	fields func(*T) (disabled *bool, description *string),
) func([]byte) (func(*T), error) {
	return func(text []byte) (func(*T), error) {
		var patch personPatch
		if err := parse(text, &patch); err != nil {
			return nil, err
		}
		return func(to *T) {
			disabled, description := fields(to)
			patch.Disabled.put(disabled)
			patch.Description.put(description)
		}, nil
	}
}

func tenantFields(t *registry.Tenant) (disabled *bool, description *string) {
	return &t.Disabled, &t.Description
}

func userFields(u *registry.User) (disabled *bool, description *string) {
	return &u.Disabled, &u.Description
}

// tenants serves the tenants.
var tenants = resource[registry.Tenant]{
	missing: "tenant_not_found",
	remedy: "nothing is kept of such a tenant, which may have people all the same: " +
		"GET " + Base + "/tenants lists those that were made, and PUT makes one",
	objects: Store.Tenants,
	named: func(c *call) (registry.ObjectID, error) {
		t := registry.Tenant{Name: identity.TenantInside(c.PathValue("tenant"))}
		if !c.knows(t.Name, identity.UsersRead, identity.UsersWrite) {
			return t.ID(), registry.ErrNotFound
		}
		return t.ID(), c.checkNamed(t.Check())
	},
	show: func(t *registry.Tenant) (any, int64) { return NewTenant(t), t.Revision },
	put:  readPerson(tenantFields), patch: readPersonPatch(tenantFields),
	may: func(h *Handler, c *call, before, after *registry.Tenant, s registry.Standing) error {
		if before.Disabled != (after != nil && after.Disabled) {
			return forbidden(c.by.MayDisable(before.Name, "",
				s.Held|h.heldInFile(before.Name, "")))
		}
		if !c.by.May(identity.UsersWrite) {
			return problem("permission_denied",
				"tenants are changed by who has users:write in every tenant")
		}
		return nil
	},
}

// users serves the users of a tenant.
var users = resource[registry.User]{
	missing: "user_not_found",
	remedy: "nothing is kept of such a user, who may come in with whatever credential names " +
		"him: PUT makes an entry, by which he can be disabled",
	objects: Store.Users,
	named: func(c *call) (registry.ObjectID, error) {
		u := registry.User{
			Tenant: identity.TenantInside(c.PathValue("tenant")), Name: c.PathValue("user"),
		}
		if !c.knows(u.Tenant, identity.UsersRead, identity.UsersWrite) {
			return u.ID(), registry.ErrNotFound
		}
		return u.ID(), c.checkNamed(u.Check())
	},
	show: func(u *registry.User) (any, int64) { return NewUser(u), u.Revision },
	put:  readPerson(userFields), patch: readPersonPatch(userFields),
	may: func(h *Handler, c *call, before, after *registry.User, s registry.Standing) error {
		if before.Disabled != (after != nil && after.Disabled) {
			return forbidden(c.by.MayDisable(before.Tenant, before.Name,
				s.Held|h.heldInFile(before.Tenant, before.Name)))
		}
		if !c.by.MayIn(identity.UsersWrite, before.Tenant) {
			return problem("permission_denied",
				"users of that tenant are changed by who has users:write there")
		}
		return nil
	},
}

// heldInFile returns what the keys of the file give, of a user or with "" of all of a tenant.
func (h *Handler) heldInFile(tenant, user string) (held identity.PermissionSet) {
	var roles *identity.Census
	if h.Gate.Census != nil {
		roles = h.Gate.Census()
	}
	for _, k := range h.FileKeys() {
		if k.Tenant != tenant || user != "" && k.User != user {
			continue
		}
		for _, r := range k.Roles {
			gives, _ := roles.Gives(r)
			held |= gives
		}
	}
	return held
}

// checkNamed returns what is wrong with a name in the path, whose check has failed with err: an
// object of that name cannot be made, and is not there.
func (c *call) checkNamed(err error) error {
	field, ok := errors.AsType[*registry.FieldError](err)
	switch {
	case !ok:
		return err
	case c.Method != http.MethodPut:
		return registry.ErrNotFound
	}
	return problem("invalid_request", "the %s in the path %s", field.Field, field.Problem)
}

// listTenants lists the tenants that the sender of the request may know of.
func (h *Handler) listTenants(c *call) (*answer, error) {
	q, err := c.page()
	if err != nil {
		return nil, err
	}
	if c.by.May(identity.UsersRead) || h.Store == nil {
		return listed(h, c, Store.Tenants, q, NewTenant)
	}
	own, err := h.Store.Tenants().Get(c.Context(), registry.TenantID(c.by.Tenant))
	switch {
	case errors.Is(err, registry.ErrNotFound):
	case err != nil:
		return nil, err
	case identity.TenantOutside(own.Name) > q.After && (own.Disabled || !q.Disabled):
		return newList([]Tenant{NewTenant(&own)}, ""), nil
	}
	return newList[Tenant](nil, ""), nil
}

// listUsers lists the users of a tenant.
func (h *Handler) listUsers(c *call) (*answer, error) {
	q, err := c.page()
	if err != nil {
		return nil, err
	}
	t := registry.Tenant{Name: identity.TenantInside(c.PathValue("tenant"))}
	if t.Check() != nil || !c.by.MayIn(identity.UsersRead, t.Name) {
		return nil, tenants.problemOf(registry.ErrNotFound)
	}
	q.Tenant = t.Name
	return listed(h, c, Store.Users, q, NewUser)
}
