package database

import (
	"context"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/token-rate-limiter/token-rate-limiter/internal/registry"
)

// querier is a database, or a transaction.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

const (
	selectRevision = "SELECT revision FROM meta"
	// selectKeys begins every question for keys, and orderKeys ends it: the secrets of a key
	// follow each other.
	selectKeys = "SELECT k.id, k.name, k.owner, k.roles, k.act_as, k.created_at, k.expires_at, " +
		"k.revoked_at, s.hash, s.created_at, s.expires_at " +
		"FROM api_keys k JOIN key_secrets s ON s.key_id = k.id "
	orderKeys = " ORDER BY k.id, s.created_at DESC, s.hash"
	changed   = "WHERE k.id IN " +
		"(SELECT object FROM changes WHERE kind = 'key' AND revision > $1)"
	page = "WHERE k.id IN " +
		"(SELECT id FROM api_keys WHERE id > $1 ORDER BY id LIMIT $2)"
	pageOfUser = "WHERE k.id IN " +
		"(SELECT id FROM api_keys WHERE id > $1 AND owner = $3 ORDER BY id LIMIT $2)"
)

// readKeys returns the keys that a question finds, with all their secrets.
func readKeys(
	ctx context.Context, q querier, where string, args ...any,
) (keys []registry.Key, err error) {
	rows, err := q.QueryContext(ctx, selectKeys+where+orderKeys, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		k, err := scanKey(rows)
		if err != nil {
			return nil, err
		}
		if n := len(keys); n > 0 && keys[n-1].ID == k.ID {
			keys[n-1].Secrets = append(keys[n-1].Secrets, k.Secrets...)
		} else {
			keys = append(keys, k)
		}
	}
	return keys, rows.Err()
}

// scanKey reads a row: a key with one of its secrets.
func scanKey(rows *sql.Rows) (k registry.Key, err error) {
	var s registry.Secret
	var roles, hash string
	var created, expires, revoked, made, ends int64
	if err := rows.Scan(&k.ID, &k.Name, &k.User, &roles, &k.ActAs, &created, &expires, &revoked,
		&hash, &made, &ends); err != nil {
		return k, err
	}
	if err := json.Unmarshal([]byte(roles), &k.Roles); err != nil {
		return k, fmt.Errorf("the roles of the key %s: %w", k.ID, err)
	}
	if s.Hash, err = hashOf(hash); err != nil {
		return k, fmt.Errorf("a secret of the key %s: %w", k.ID, err)
	}
	s.Created, s.Expires = timeOf(made), timeOf(ends)
	k.Created, k.Expires, k.Revoked = timeOf(created), timeOf(expires), timeOf(revoked)
	k.Secrets = []registry.Secret{s}
	return k, nil
}

// hashOf reads a hash as it is kept.
func hashOf(digits string) (h registry.Hash, err error) {
	b, err := hex.DecodeString(digits)
	if err != nil || len(b) != len(h) {
		return h, errors.New("its hash is no SHA-256")
	}
	return registry.Hash(b), nil
}

// keyOf returns one key, or registry.ErrNotFound.
func keyOf(ctx context.Context, q querier, id string) (registry.Key, error) {
	keys, err := readKeys(ctx, q, "WHERE k.id = $1", id)
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
	if err := d.Prepare(ctx); err != nil {
		return registry.Key{}, err
	}
	k, err := keyOf(ctx, d.db, id)
	return k, unavailable(err)
}

// Keys implements registry.Store.
func (d *Database) Keys(ctx context.Context, q registry.Query) (registry.Page, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	if err := d.Prepare(ctx); err != nil {
		return registry.Page{}, err
	}
	where, args := page, []any{q.After, q.Limit + 1}
	if q.User != "" {
		where, args = pageOfUser, append(args, q.User)
	}
	keys, err := readKeys(ctx, d.db, where, args...)
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

// Revision implements registry.Store.
func (d *Database) Revision(ctx context.Context) (revision int64, err error) {
	if err := d.Prepare(ctx); err != nil {
		return 0, err
	}
	err = d.db.QueryRowContext(ctx, selectRevision).Scan(&revision)
	return revision, unavailable(err)
}

// Changes implements registry.Store. The keys are of the revision that it tells, or of a later
// one whose changes are told once more the next time. One statement reads them, so that each
// change is there as a whole or not at all.
func (d *Database) Changes(ctx context.Context, since int64) (c registry.Changes, err error) {
	ctx, cancel := context.WithTimeout(ctx, wholeTimeout)
	defer cancel()
	if c.Revision, err = d.Revision(ctx); err != nil {
		return c, err
	}
	switch {
	case c.Revision == since:
		return c, nil
	case since == 0 || c.Revision < since: // an older copy of the database has been restored
		c.Whole = true
		c.Keys, err = readKeys(ctx, d.db, "")
	default:
		c.Keys, err = readKeys(ctx, d.db, changed, since)
	}
	return c, unavailable(err)
}
