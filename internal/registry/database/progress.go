package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/token-rate-limiter/token-rate-limiter/internal/registry"
)

const (
	// selectChanges asks for all that has changed after a revision and up to another one. Of what
	// was deleted there is the id alone.
	selectChanges = "SELECT c.object, c.revision, " + keyColumns + ", " + objectColumns + " " +
		"FROM changes c LEFT JOIN api_keys k ON k.id = c.object " +
		"LEFT JOIN key_secrets s ON s.key_id = k.id LEFT JOIN key_use u ON u.key_id = k.id " +
		"LEFT JOIN people p ON p.id = c.object WHERE c.revision > $1 AND c.revision <= $2 " +
		"ORDER BY c.kind, c.object" + orderSecrets

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
		"WHERE revision > $1 ORDER BY revision LIMIT 1 OFFSET $2)"
)

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

// Changes implements registry.Store. What it tells is of the revision that it tells, or of a later
// one whose changes are told once more the next time. One statement reads all of it, so that each
// change is there as a whole or not at all, and none without those before it.
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
		err = readChanges(ctx, db, &c, math.MinInt64, math.MaxInt64)
	case p.piece.Number != 0 && p.piece.Number < p.last.Number:
		c.Revision, c.More = p.piece, true
		err = readChanges(asking, db, &c, since.Number, p.piece.Number)
	default: // also what was changed once more since: it is not told otherwise
		err = readChanges(asking, db, &c, since.Number, math.MaxInt64)
	}
	return c, unavailable(err)
}

// readChanges reads what has changed after a revision and up to another one.
func readChanges(
	ctx context.Context, q querier, c *registry.Changes, since, to int64,
) error {
	rows, err := q.QueryContext(ctx, selectChanges, since, to)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var id string
		var revision int64
		var k keyRow
		var o objectRow
		into := append([]any{&id, &revision}, k.into()...)
		if err := rows.Scan(append(into, o.into()...)...); err != nil {
			return err
		}
		k.key.Revision, o.object.revision = revision, revision
		if k.key.ID != "" {
			c.Keys, err = k.addTo(c.Keys)
		} else {
			err = o.addTo(c, id)
		}
		if err != nil {
			return err
		}
	}
	return rows.Err()
}

// addTo adds an object, or the id of one that was deleted. What a later version of the gateway
// has written, of a kind that is not known, is left out.
func (r *objectRow) addTo(c *registry.Changes, id string) error {
	gone := r.id == ""
	deleted, err := registry.ParseObjectID(id)
	if gone && (err != nil || c.Whole) {
		return nil
	}
	o := object{id: deleted}
	if !gone {
		if o, err = r.read(); err != nil {
			return err
		}
	}
	switch o.id.Kind {
	case registry.TenantKind:
		c.Tenants = append(c.Tenants, readTenant(o))
	case registry.UserKind:
		c.Users = append(c.Users, readUser(o))
	case registry.RoleKind:
		c.Roles = append(c.Roles, readRole(o))
	}
	return nil
}
