package database

import (
	"context"
	"slices"

	"github.com/token-rate-limiter/token-rate-limiter/internal/identity"
	"github.com/token-rate-limiter/token-rate-limiter/internal/registry"
)

// objects implements registry.Objects. All kinds are rows of one table.
type objects[T any] struct {
	*Database
	kind  registry.Kind
	read  func(object) T
	write func(*T) object
	check func(*T) error
}

// Tenants implements registry.Store.
func (d *Database) Tenants() registry.Objects[registry.Tenant] {
	return objects[registry.Tenant]{d, registry.TenantKind, readTenant,
		func(t *registry.Tenant) object {
			return object{id: t.ID(), disabled: t.Disabled, description: t.Description}
		}, (*registry.Tenant).Check}
}

// Users implements registry.Store.
func (d *Database) Users() registry.Objects[registry.User] {
	return objects[registry.User]{d, registry.UserKind, readUser,
		func(u *registry.User) object {
			return object{id: u.ID(), disabled: u.Disabled, description: u.Description}
		}, (*registry.User).Check}
}

// Roles implements registry.Store.
func (d *Database) Roles() registry.Objects[registry.Role] {
	return objects[registry.Role]{d, registry.RoleKind, readRole,
		func(r *registry.Role) object {
			return object{id: r.ID(), description: r.Description, permissions: r.Permissions,
				tenantPermissions: r.TenantPermissions}
		}, (*registry.Role).Check}
}

func readTenant(o object) registry.Tenant {
	return registry.Tenant{Name: o.id.Name, Disabled: o.disabled, Description: o.description,
		Created: o.created, Revision: o.revision}
}

func readUser(o object) registry.User {
	return registry.User{Tenant: o.id.Tenant, Name: o.id.Name, Disabled: o.disabled,
		Description: o.description, Created: o.created, Revision: o.revision}
}

func readRole(o object) registry.Role {
	return registry.Role{
		Name: identity.Role(o.id.Name), Permissions: o.permissions,
		TenantPermissions: o.tenantPermissions, Description: o.description, Created: o.created,
		Revision: o.revision,
	}
}

// idOf returns the id of an object of a kind, whose name is as people know it.
func idOf(kind registry.Kind, tenant, name string) registry.ObjectID {
	switch kind {
	case registry.TenantKind:
		return registry.TenantID(name)
	case registry.UserKind:
		return registry.UserID(tenant, name)
	}
	return registry.RoleID(identity.Role(name))
}

// Get implements registry.Objects.
func (s objects[T]) Get(ctx context.Context, id registry.ObjectID) (v T, err error) {
	o, err := s.get(ctx, id)
	if err != nil {
		return v, err
	}
	return s.read(o), nil
}

// List implements registry.Objects. The order is that of the ids, in which what is before the name
// is the same for all.
func (s objects[T]) List(
	ctx context.Context, q registry.ObjectQuery,
) (p registry.ObjectPage[T], err error) {
	list, err := s.page(ctx, s.kind, q)
	if err != nil {
		return p, err
	}
	if len(list) > q.Limit {
		list = list[:q.Limit]
		p.Next = list[q.Limit-1].id.Name
		if s.kind == registry.TenantKind {
			p.Next = identity.TenantOutside(p.Next)
		}
	}
	for _, o := range list {
		p.Objects = append(p.Objects, s.read(o))
	}
	return p, nil
}

// Put implements registry.Objects.
func (s objects[T]) Put(ctx context.Context, id registry.ObjectID, how registry.Write,
	change func(*T, registry.Standing) error,
) (v T, err error) {
	err = s.Database.write(ctx, how, func(w *writing) (r registry.Record, err error) {
		before, standing, err := w.begun(id, how)
		if err != nil {
			return r, err
		}
		r = registry.Record{
			Action: string(s.kind) + "." + registry.VerbUpdate,
			Object: id.String(), Before: before.describe(),
		}
		after := before
		if before.revision == 0 {
			r.Action = string(s.kind) + "." + registry.VerbCreate
			after.created = w.now
		}
		v = s.read(before)
		if err := change(&v, standing); err != nil {
			return r, &refusal{err}
		}
		changed := s.write(&v)
		changed.id, changed.created, changed.revision = id, after.created, before.revision
		v = s.read(changed)
		if err := s.check(&v); err != nil {
			return r, err
		}
		if before.revision != 0 && changed.is(&before) {
			return r, errUnchanged
		}
		changed.revision = w.revision
		v, r.After = s.read(changed), changed.describe()
		return r, w.keepObject(&changed)
	})
	if err != nil {
		var none T
		return none, err
	}
	return v, nil
}

// Delete implements registry.Objects.
func (s objects[T]) Delete(ctx context.Context, id registry.ObjectID, how registry.Write,
	may func(T, registry.Standing) error,
) error {
	return s.Database.write(ctx, how, func(w *writing) (r registry.Record, err error) {
		before, standing, err := w.begun(id, how)
		switch {
		case err != nil:
			return r, err
		case before.revision == 0:
			return r, registry.ErrNotFound
		}
		if err := may(s.read(before), standing); err != nil {
			return r, &refusal{err}
		}
		if err := w.checkUnused(id); err != nil {
			return r, err
		}
		r = registry.Record{
			Action: string(s.kind) + "." + registry.VerbDelete,
			Object: id.String(), Before: before.describe(),
		}
		return r, w.exec(deleteObject, r.Object)
	})
}

// begun returns an object as it is when its change begins, and what there is beside it.
func (w *writing) begun(
	id registry.ObjectID, how registry.Write,
) (before object, s registry.Standing, err error) {
	if err := id.Check(); err != nil {
		return before, s, err
	}
	if before, err = objectOf(w.ctx, w, id); err != nil {
		return before, s, err
	}
	if err := checkExpected(how, before.revision); err != nil {
		return before, s, err
	}
	s.Held, err = w.held(id)
	return before, s, err
}

// is reports whether o is kept as other is.
func (o *object) is(other *object) bool {
	return o.disabled == other.disabled && o.description == other.description &&
		slices.Equal(o.permissions, other.permissions) &&
		slices.Equal(o.tenantPermissions, other.tenantPermissions)
}
