package database

import (
	"context"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/registry"
)

// querier is a database, or a transaction.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

const (
	selectKeys = "SELECT k.id, k.name, k.owner, k.roles, k.act_as, k.models, k.endpoints, " +
		"k.created_at, k.expires_at, k.revoked_at, c.revision, COALESCE(u.used_at, 0), " +
		"s.hash, s.created_at, s.expires_at FROM "
	joinKeys = " k JOIN changes c ON c.kind = 'key' AND c.object = k.id " +
		"JOIN key_secrets s ON s.key_id = k.id LEFT JOIN key_use u ON u.key_id = k.id " +
		"ORDER BY k.id"
	orderSecrets = ", s.created_at DESC, s.hash" // #nosec G101 -- the newest first

	keysWith  = "(SELECT * FROM api_keys WHERE id = $1)"
	keyHaving = "(SELECT * FROM api_keys WHERE id = " +
		"(SELECT key_id FROM key_secrets WHERE hash = $1))"
	changed = "(SELECT * FROM api_keys WHERE id IN (SELECT object FROM changes " +
		"WHERE kind = 'key' AND revision > $1 AND revision <= $2))"

	// selectRevision tells the revision, whether another one is of its history, the last one of a
	// piece of the changes after that, what gateways have to know of the schema, and whether the
	// database is one to believe.
	selectRevision = "SELECT m.revision, COALESCE(last.sum, ''), COALESCE(before.sum, ''), " +
		"COALESCE(piece.revision, 0), COALESCE(piece.sum, ''), " +
		"(SELECT MAX(oldest) FROM " + versionTable + "), " +
		"(SELECT MAX(version) FROM " + versionTable + "), " +
		"(SELECT COUNT(*) FROM meta), STANDBY " +
		"FROM meta m LEFT JOIN audit last ON last.revision = m.revision " +
		"LEFT JOIN audit before ON before.revision = $1 " +
		"LEFT JOIN audit piece ON piece.revision = (SELECT revision FROM changes " +
		"WHERE kind = 'key' AND revision > $1 ORDER BY revision LIMIT 1 OFFSET $2)"
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
	var roles, models, endpoints, hash string
	var created, expires, revoked, used, made, ends int64
	if err := rows.Scan(&k.ID, &k.Name, &k.User, &roles, &k.ActAs, &models, &endpoints,
		&created, &expires, &revoked, &k.Revision, &used, &hash, &made, &ends); err != nil {
		return k, err
	}
	for _, list := range []struct {
		text string
		into any
	}{{roles, &k.Roles}, {models, &k.Models}, {endpoints, &k.Endpoints}} {
		if list.text == noTexts {
			continue
		}
		if err := json.Unmarshal([]byte(list.text), list.into); err != nil {
			return k, fmt.Errorf("the roles, models or endpoints of the key %s: %w", k.ID, err)
		}
	}
	if s.Hash, err = registry.ReadHash(hash); err != nil {
		return k, fmt.Errorf("a secret of the key %s: %w", k.ID, err)
	}
	s.Created, s.Expires = registry.TimeOf(made), registry.TimeOf(ends)
	k.Created, k.Expires = registry.TimeOf(created), registry.TimeOf(expires)
	k.Revoked, k.Used = registry.TimeOf(revoked), registry.TimeOf(used)
	k.Secrets = []registry.Secret{s}
	return k, nil
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

// Revision implements registry.Store.
func (d *Database) Revision(ctx context.Context) (registry.Revision, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	db, err := d.readyToFollow(ctx)
	if err != nil {
		return registry.Revision{}, err
	}
	p, err := d.progressSince(ctx, db, registry.Revision{Number: math.MaxInt64})
	return p.last, unavailable(err)
}

// progress is what there is since a revision.
type progress struct {
	last registry.Revision // of all
	// later tells that since is of its history, rather than before the first or of another one.
	later bool
	piece registry.Revision // of the last change that is read at once; the zero one: of all
}

// errStandby is what a call fails with that has come to a standby, as behind a pool of
// connections: one that lags would bring revoked keys back.
var errStandby = errors.New("it is a standby of PostgreSQL, and only a primary is believed")

// progressSince returns what there is since a revision. It fails where gateways have to know more
// of the schema, and where it is an older one, of a copy that was restored: that is brought up
// before the next call.
func (d *Database) progressSince(
	ctx context.Context, q row, since registry.Revision,
) (p progress, err error) {
	var last, before, piece string
	var oldest, version, rows int
	var standby bool
	statement := strings.Replace(selectRevision, "STANDBY", d.standby(), 1)
	err = q.QueryRowContext(ctx, statement, since.Number, d.piece-1).Scan(&p.last.Number, &last,
		&before, &p.piece.Number, &piece, &oldest, &version, &rows, &standby)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return p, checkMeta(0)
	case err != nil:
		return p, err
	case standby:
		return p, errStandby
	case version < len(steps):
		d.prepared.Store(nil)
		return p, errOlderSchema
	}
	if err := errors.Join(checkVersion(oldest), checkMeta(rows)); err != nil {
		return p, err
	}
	if p.last.Sum, err = registry.ParseSum(last); err != nil {
		return p, fmt.Errorf("the sum of the last audit record: %w", err)
	}
	if p.piece.Sum, err = registry.ParseSum(piece); err != nil {
		return p, fmt.Errorf("the sum of the audit record %d: %w", p.piece.Number, err)
	}
	p.later = before != "" && before == since.Sum.String()
	return p, nil
}

// Changes implements registry.Store. The keys are of the revision that it tells, or of a later
// one whose changes are told once more the next time. One statement reads them, so that each
// change is there as a whole or not at all.
func (d *Database) Changes(
	ctx context.Context, since registry.Revision,
) (c registry.Changes, err error) {
	asking, cancel := context.WithTimeout(ctx, changesTimeout)
	defer cancel()
	db, err := d.readyToFollow(asking)
	if err != nil {
		return c, err
	}
	p, err := d.progressSince(asking, db, since)
	if err != nil {
		return c, unavailable(err)
	}
	c.Revision = p.last
	switch {
	case c.Revision == since:
	case !p.later:
		ctx, cancel := context.WithTimeout(ctx, wholeTimeout)
		defer cancel()
		c.Whole = true
		c.Keys, err = readKeys(ctx, db, "api_keys", "")
	case p.piece.Number != 0 && p.piece.Number < p.last.Number:
		c.Revision, c.More = p.piece, true
		c.Keys, err = readKeys(asking, db, changed, "", since.Number, p.piece.Number)
	default: // also what was changed once more since: it is not told otherwise
		c.Keys, err = readKeys(asking, db, changed, "", since.Number, int64(math.MaxInt64))
	}
	return c, unavailable(err)
}
