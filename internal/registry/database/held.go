package database

import (
	"slices"

	"github.com/token-rate-limiter/token-rate-limiter/internal/identity"
	"github.com/token-rate-limiter/token-rate-limiter/internal/registry"
)

// selectHeld asks for the lists of roles of keys that are good.
const selectHeld = "SELECT DISTINCT roles FROM api_keys " +
	"WHERE revoked_at = 0 AND (expires_at = 0 OR expires_at > $1) AND tenant = $2"

// held returns what the keys give that are good, of a user or of all of a tenant.
func (w *writing) held(id registry.ObjectID) (identity.PermissionSet, error) {
	statement, args := selectHeld, []any{registry.Moment(w.now)}
	switch id.Kind {
	case registry.UserKind:
		statement += " AND owner = $3"
		args = append(args, id.Tenant, id.Name)
	case registry.TenantKind:
		args = append(args, id.Name)
	default:
		return 0, nil
	}
	rows, err := w.QueryContext(w.ctx, statement, args...)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	var roles []identity.Role
	for rows.Next() {
		var text string
		var some []identity.Role
		if err := rows.Scan(&text); err != nil {
			return 0, err
		}
		if err := texts(text, &some); err != nil {
			return 0, err
		}
		roles = append(roles, some...)
	}
	if err := rows.Err(); err != nil {
		return 0, err
	}
	census, err := w.census(roles)
	if err != nil {
		return 0, err
	}
	var held identity.PermissionSet
	for _, r := range roles {
		gives, _ := census.Gives(r)
		held |= gives
	}
	return held, nil
}

// census returns one that has the custom ones among some roles, as they are in the transaction.
func (w *writing) census(roles []identity.Role) (*identity.Census, error) {
	custom := map[identity.Role]identity.PermissionSet{}
	for _, r := range slices.Compact(slices.Sorted(slices.Values(roles))) {
		if r.Known() {
			continue
		}
		o, err := objectOf(w.ctx, w, registry.RoleID(r))
		if err != nil {
			return nil, err
		}
		if o.revision != 0 {
			role := readRole(o)
			custom[r] = role.Gives()
		}
	}
	return new(identity.Census).With(identity.Changes{Roles: custom}), nil
}

// checkKey returns what is wrong with a key that is to be kept, and was another one before; the
// zero one: none. Its roles exist, and whoever makes the change may give what it is.
func (w *writing) checkKey(how registry.Write, before, k *registry.Key) error {
	if err := k.Check(); err != nil {
		return err
	}
	if err := k.CheckEnd(before.Expires, w.now); err != nil {
		return err
	}
	census, err := w.census(k.Roles)
	if err != nil {
		return err
	}
	for _, r := range k.Roles {
		if _, known := census.Gives(r); !known && !slices.Contains(before.Roles, r) {
			return registry.NoRole(r)
		}
	}
	return mayGive(how, k, census)
}

// may fails where whoever makes the change may not give what a key is or was.
func (w *writing) may(how registry.Write, k *registry.Key) error {
	census, err := w.census(k.Roles)
	if err != nil {
		return err
	}
	return mayGive(how, k, census)
}

// mayGive is may, by a census that has the roles of k.
func mayGive(how registry.Write, k *registry.Key, census *identity.Census) error {
	if how.May == nil {
		return nil
	}
	if err := how.May(k, census); err != nil {
		return &refusal{err}
	}
	return nil
}

// peopleVersion is that of the schema which gateways have to know that are to keep out who is
// disabled, and to tell tenants apart.
const peopleVersion = 4

const raiseOldest = "UPDATE schema_version SET oldest = $1 WHERE version = $1 AND oldest < $1"

// needs has gateways stop to follow that know only earlier versions of the schema.
func (w *writing) needs(version int) error { return w.exec(raiseOldest, version) }
