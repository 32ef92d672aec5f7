package database

import (
	"context"
	"database/sql"
	"maps"
	"slices"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/registry"
)

const keepUse = "INSERT INTO key_use (key_id, used_at) VALUES ($1, $2) " +
	"ON CONFLICT (key_id) DO UPDATE SET used_at = excluded.used_at " +
	"WHERE excluded.used_at > key_use.used_at"

// usePage is how many keys one transaction is for: none holds up others for long.
const usePage = 200

// Used implements registry.Store. Gateways write in the order of ids, so that they do not wait for
// each other in a circle.
func (d *Database) Used(ctx context.Context, keys map[string]time.Time) error {
	db, err := d.ready(ctx)
	if err != nil {
		return err
	}
	for ids := range slices.Chunk(slices.Sorted(maps.Keys(keys)), usePage) {
		err := inTransaction(ctx, db, func(tx *sql.Tx) error {
			// #nosec G202 -- a text of the engine's own
			if _, err := tx.ExecContext(ctx, "SELECT "+d.bounded()); err != nil {
				return err
			}
			for _, id := range ids {
				used := registry.Moment(keys[id])
				if _, err := tx.ExecContext(ctx, keepUse, id, used); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return unavailable(err)
		}
	}
	return nil
}
