package database

import (
	"context"
	"strings"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/registry"
)

// Replicas are kept beside the revision, which they do not touch. All times are of the
// database's clock: those of gateways may differ by more than a replica counts.
const (
	reportReplica = "INSERT INTO replicas (id, applied, seen_at) VALUES ($1, $2, NOW) " +
		"ON CONFLICT (id) DO UPDATE SET applied = excluded.applied, seen_at = excluded.seen_at"
	dropReplicas  = "DELETE FROM replicas WHERE seen_at < NOW - $1"
	leaveReplica  = "DELETE FROM replicas WHERE id = $1"
	selectReplica = "SELECT id, applied, seen_at FROM replicas WHERE seen_at >= NOW - $1 " +
		"ORDER BY id"
)

// keptFor is how long a replica is kept that was not heard, beyond the time for which it counts.
const keptFor = time.Hour

// timed returns a statement with the database's clock in the place of NOW.
func (d *Database) timed(statement string) string {
	return strings.ReplaceAll(statement, "NOW", d.clock())
}

// Report implements registry.Replicas.
func (d *Database) Report(ctx context.Context, id string, applied int64) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	db, err := d.ready(ctx)
	if err != nil {
		return err
	}
	_, err = db.ExecContext(ctx, d.timed(reportReplica), id, applied)
	if err == nil {
		_, err = db.ExecContext(ctx, d.timed(dropReplicas), keptFor.Microseconds())
	}
	return unavailable(err)
}

// Leave implements registry.Replicas.
func (d *Database) Leave(ctx context.Context, id string) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	db, err := d.ready(ctx)
	if err != nil {
		return err
	}
	_, err = db.ExecContext(ctx, leaveReplica, id)
	return unavailable(err)
}

// Replicas implements registry.Replicas.
func (d *Database) Replicas(ctx context.Context) (all []registry.Replica, err error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	db, err := d.ready(ctx)
	if err != nil {
		return nil, err
	}
	rows, err := db.QueryContext(ctx, d.timed(selectReplica), registry.SeenFor.Microseconds())
	if err != nil {
		return nil, unavailable(err)
	}
	defer rows.Close()
	for rows.Next() {
		var r registry.Replica
		var seen int64
		if err := rows.Scan(&r.ID, &r.Applied, &seen); err != nil {
			return nil, unavailable(err)
		}
		r.Seen = registry.TimeOf(seen)
		all = append(all, r)
	}
	return all, unavailable(rows.Err())
}
