package database

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/registry"
)

// object is a row of people. The revision 0 is of one that is not there.
type object struct {
	id                             registry.ObjectID
	disabled                       bool
	permissions, tenantPermissions []string
	description                    string
	created                        time.Time
	revision                       int64
}

const (
	objectColumns = "COALESCE(p.id, ''), COALESCE(p.disabled, FALSE), " +
		"COALESCE(p.permissions, '[]'), COALESCE(p.tenant_permissions, '[]'), " +
		"COALESCE(p.description, ''), COALESCE(p.created_at, 0)"
	selectObjects = "SELECT " + objectColumns + ", c.revision FROM people p " +
		"JOIN changes c ON c.kind = p.kind AND c.object = p.id"
	putObject = "INSERT INTO people (id, kind, tenant, name, disabled, permissions, " +
		"tenant_permissions, description, created_at) " +
		"VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) " +
		"ON CONFLICT (id) DO UPDATE SET disabled = excluded.disabled, " +
		"permissions = excluded.permissions, tenant_permissions = excluded.tenant_permissions, " +
		"description = excluded.description"
	deleteObject = "DELETE FROM people WHERE id = $1"
)

// objectRow is an object as it is read.
type objectRow struct {
	id, permissions, tenantPermissions string
	created                            int64
	object                             object
}

// into returns where the columns of an object go.
func (r *objectRow) into() []any {
	return []any{&r.id, &r.object.disabled, &r.permissions, &r.tenantPermissions,
		&r.object.description, &r.created}
}

// read returns the object that was read.
func (r *objectRow) read() (o object, err error) {
	o = r.object
	if o.id, err = registry.ParseObjectID(r.id); err != nil {
		return o, err
	}
	if err = texts(r.permissions, &o.permissions); err == nil {
		err = texts(r.tenantPermissions, &o.tenantPermissions)
	}
	if err != nil {
		return o, fmt.Errorf("the permissions of %s: %w", r.id, err)
	}
	o.created = registry.TimeOf(r.created)
	return o, nil
}

// readObjects returns the objects that meet the conditions, in an order.
func readObjects(
	ctx context.Context, q querier, rest string, args ...any,
) (list []object, err error) {
	rows, err := q.QueryContext(ctx, selectObjects+rest, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var r objectRow
		if err := rows.Scan(append(r.into(), &r.object.revision)...); err != nil {
			return nil, err
		}
		o, err := r.read()
		if err != nil {
			return nil, err
		}
		list = append(list, o)
	}
	return list, rows.Err()
}

// objectOf returns one object; one with the revision 0 where it is not there.
func objectOf(ctx context.Context, q querier, id registry.ObjectID) (object, error) {
	list, err := readObjects(ctx, q, " WHERE p.id = $1", id.String())
	if err != nil || len(list) == 0 {
		return object{id: id}, err
	}
	return list[0], nil
}

// keepObject keeps an object as it is to be.
func (w *writing) keepObject(o *object) error {
	if o.disabled {
		if err := w.needs(peopleVersion); err != nil {
			return err
		}
	}
	return w.exec(putObject, o.id.String(), string(o.id.Kind), o.id.Tenant, o.id.Name, o.disabled,
		list(o.permissions), list(o.tenantPermissions), o.description, registry.Moment(o.created))
}

// checkExpected fails where an object has another revision than its writer has seen.
func checkExpected(how registry.Write, revision int64) error {
	switch how.Expected {
	case 0, revision:
		return nil
	case registry.Absent:
		if revision == 0 {
			return nil
		}
		return registry.ErrExists
	}
	return registry.ErrConflict
}

const (
	keysOfRole   = "roles LIKE $1"
	keysOfTenant = "tenant = $1"
	countKeys    = "SELECT COUNT(*), COALESCE(MIN(id), '') FROM api_keys WHERE revoked_at = 0 AND "
	countUsers   = "SELECT COUNT(*), COALESCE(MIN(id), '') FROM people " +
		"WHERE kind = 'user' AND tenant = $1"
)

// checkUnused fails with a *registry.InUseError where something names an object.
func (w *writing) checkUnused(id registry.ObjectID) error {
	used := &registry.InUseError{Object: id.String()}
	count := func(to *int, statement string, arg any) error {
		if used.Keys > 0 {
			return nil
		}
		return w.QueryRowContext(w.ctx, statement, arg).Scan(to, &used.Example)
	}
	var err error
	switch id.Kind {
	case registry.RoleKind: // whose name has nothing that LIKE, or JSON, reads otherwise
		err = count(&used.Keys, countKeys+keysOfRole, `%"`+id.Name+`"%`)
	case registry.TenantKind:
		err = errors.Join(count(&used.Keys, countKeys+keysOfTenant, id.Name),
			count(&used.Users, countUsers, id.Name))
	}
	if err == nil && used.Keys+used.Users > 0 {
		return &refusal{used}
	}
	return err
}

// get returns one object.
func (d *Database) get(ctx context.Context, id registry.ObjectID) (object, error) {
	if id.Check() != nil {
		return object{}, registry.ErrNotFound
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	db, err := d.ready(ctx)
	if err != nil {
		return object{}, err
	}
	o, err := objectOf(ctx, db, id)
	if err == nil && o.revision == 0 {
		err = registry.ErrNotFound
	}
	return o, unavailable(err)
}

// page returns the objects of a kind that q chooses, and one more where there is one.
func (d *Database) page(
	ctx context.Context, kind registry.Kind, q registry.ObjectQuery,
) ([]object, error) {
	if err := idOf(kind, q.Tenant, q.After).Check(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	db, err := d.ready(ctx)
	if err != nil {
		return nil, err
	}
	var c conditions
	c.add("p.kind = ?", string(kind))
	c.add("p.tenant = ?", idOf(kind, q.Tenant, "").Tenant)
	if q.After != "" {
		c.add("p.id > ?", idOf(kind, q.Tenant, q.After).String())
	}
	if q.Disabled {
		c.add("p.disabled = ?", true)
	}
	list, err := readObjects(ctx, db, c.where()+" ORDER BY p.id LIMIT "+c.arg(q.Limit+1), c.args...)
	return list, unavailable(err)
}
