package database

import (
	"context"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/identity"
	"github.com/token-rate-limiter/token-rate-limiter/internal/registry"
)

// querier is a database, or a transaction.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

const (
	// keyColumns are those of a key with one of its secrets, and of nothing.
	keyColumns = "COALESCE(k.id, ''), COALESCE(k.name, ''), COALESCE(k.owner, ''), " +
		"COALESCE(k.tenant, ''), COALESCE(k.roles, '[]'), COALESCE(k.act_as, FALSE), " +
		"COALESCE(k.models, '[]'), COALESCE(k.endpoints, '[]'), COALESCE(k.created_at, 0), " +
		"COALESCE(k.expires_at, 0), COALESCE(k.revoked_at, 0), COALESCE(u.used_at, 0), " +
		"COALESCE(s.hash, ''), COALESCE(s.created_at, 0), COALESCE(s.expires_at, 0)"
	selectKeys = "SELECT " + keyColumns + ", c.revision FROM "
	joinKeys   = " k JOIN changes c ON c.kind = 'key' AND c.object = k.id " +
		"JOIN key_secrets s ON s.key_id = k.id LEFT JOIN key_use u ON u.key_id = k.id " +
		"ORDER BY k.id"
	orderSecrets = ", s.created_at DESC, s.hash" // #nosec G101 -- the newest first

	keysWith  = "(SELECT * FROM api_keys WHERE id = $1)"
	keyHaving = "(SELECT * FROM api_keys WHERE id = " +
		"(SELECT key_id FROM key_secrets WHERE hash = $1))"
)

// readKeys returns the keys among those that from selects, with all their secrets, in the order
// of their ids.
func readKeys(
	ctx context.Context, q querier, from, order string, args ...any,
) (keys []registry.Key, err error) {
	rows, err := q.QueryContext(ctx, selectKeys+from+joinKeys+order+orderSecrets, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var r keyRow
		if err := rows.Scan(append(r.into(), &r.key.Revision)...); err != nil {
			return nil, err
		}
		if keys, err = r.addTo(keys); err != nil {
			return nil, err
		}
	}
	return keys, rows.Err()
}

// keyRow is a key with one of its secrets, as they are read.
type keyRow struct {
	key                                   registry.Key
	roles, models, endpoints, hash        string
	created, expires, revoked, used, made int64
	ends                                  int64
}

// into returns where the columns of a key go.
func (r *keyRow) into() []any {
	k := &r.key
	return []any{&k.ID, &k.Name, &k.User, &k.Tenant, &r.roles, &k.ActAs, &r.models, &r.endpoints,
		&r.created, &r.expires, &r.revoked, &r.used, &r.hash, &r.made, &r.ends}
}

// addTo adds the key that was read, or another secret of the last one. One without secrets is
// good for nothing.
func (r *keyRow) addTo(keys []registry.Key) ([]registry.Key, error) {
	if r.hash == "" {
		return keys, nil
	}
	k, err := r.read()
	if err != nil {
		return nil, err
	}
	if n := len(keys); n > 0 && keys[n-1].ID == k.ID {
		keys[n-1].Secrets = append(keys[n-1].Secrets, k.Secrets...)
		return keys, nil
	}
	return append(keys, k), nil
}

// read returns the key with one of its secrets.
func (r *keyRow) read() (k registry.Key, err error) {
	k = r.key
	for _, err := range []error{
		texts(r.roles, &k.Roles), texts(r.models, &k.Models), texts(r.endpoints, &k.Endpoints),
	} {
		if err != nil {
			return k, fmt.Errorf("the roles, models or endpoints of the key %s: %w", k.ID, err)
		}
	}
	s := registry.Secret{Created: registry.TimeOf(r.made), Expires: registry.TimeOf(r.ends)}
	if s.Hash, err = registry.ReadHash(r.hash); err != nil {
		return k, fmt.Errorf("a secret of the key %s: %w", k.ID, err)
	}
	k.Created, k.Expires = registry.TimeOf(r.created), registry.TimeOf(r.expires)
	k.Revoked, k.Used = registry.TimeOf(r.revoked), registry.TimeOf(r.used)
	k.Secrets = []registry.Secret{s}
	return k, nil
}

// texts reads a list as it is kept.
func texts[T ~string](text string, into *[]T) error {
	if text == noTexts {
		return nil
	}
	return json.Unmarshal([]byte(text), into)
}

// keyOf returns one key, or registry.ErrNotFound.
func keyOf(ctx context.Context, q querier, id string) (registry.Key, error) {
	keys, err := readKeys(ctx, q, keysWith, "", id)
	if err == nil && len(keys) == 0 {
		err = registry.ErrNotFound
	}
	if err != nil {
		return registry.Key{}, err
	}
	return keys[0], nil
}

// Key implements registry.Store.
func (d *Database) Key(ctx context.Context, id string) (registry.Key, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	db, err := d.ready(ctx)
	if err != nil {
		return registry.Key{}, err
	}
	k, err := keyOf(ctx, db, id)
	return k, unavailable(err)
}

// KeyOf implements registry.Store.
func (d *Database) KeyOf(ctx context.Context, h registry.Hash) (registry.Key, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	db, err := d.ready(ctx)
	if err != nil {
		return registry.Key{}, err
	}
	keys, err := readKeys(ctx, db, keyHaving, "", hex.EncodeToString(h[:]))
	if err == nil && len(keys) == 0 {
		err = registry.ErrNotFound
	}
	if err != nil {
		return registry.Key{}, unavailable(err)
	}
	return keys[0], nil
}

// Keys implements registry.Store.
func (d *Database) Keys(ctx context.Context, q registry.Query) (registry.Page, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	db, err := d.ready(ctx)
	if err != nil {
		return registry.Page{}, err
	}
	from, order, args := d.selectPage(q)
	keys, err := readKeys(ctx, db, from, order, args...)
	if err != nil {
		return registry.Page{}, unavailable(err)
	}
	p := registry.Page{Keys: keys}
	if len(keys) > q.Limit {
		p.Keys = keys[:q.Limit]
		p.Next = p.Keys[q.Limit-1].ID
	}
	return p, nil
}

// here returns the time by which states are told: that of the gateway, as for requests.
func (d *Database) here() time.Time {
	if d.now == nil {
		return time.Now()
	}
	return d.now()
}

// selectPage returns the question for the keys of a page and for one more, their order, and the
// arguments.
func (d *Database) selectPage(q registry.Query) (from, order string, args []any) {
	var c conditions
	order, later := direction(q.Newest)
	if q.After != "" {
		c.add("id "+later+" ?", q.After)
	}
	if q.User != "" {
		c.add("owner = ?", q.User)
	}
	if q.Tenant != "" {
		c.add("tenant = ?", identity.TenantInside(q.Tenant))
	}
	switch now := registry.Moment(d.here()); q.State {
	case registry.Active:
		c.add("revoked_at = 0 AND (expires_at = 0 OR expires_at > ?)", now)
	case registry.Expired:
		c.add("revoked_at = 0 AND expires_at <> 0 AND expires_at <= ?", now)
	case registry.Revoked:
		c.add("revoked_at <> ?", 0)
	}
	from = "(SELECT * FROM api_keys" + c.where() + " ORDER BY id" + order +
		" LIMIT " + c.arg(q.Limit+1) + ")"
	return from, order, c.args
}
