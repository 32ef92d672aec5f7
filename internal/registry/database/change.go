package database

import (
	"context"
	"database/sql"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/registry"
)

// writing is a transaction that changes something, under its own revision.
type writing struct {
	*sql.Tx
	ctx      context.Context
	revision int64
	now      time.Time
}

// exec runs a statement.
func (w *writing) exec(statement string, args ...any) error {
	_, err := w.ExecContext(w.ctx, statement, args...)
	return err
}

const (
	raiseRevision = "UPDATE meta SET revision = revision + 1 RETURNING revision"
	noteChange    = "INSERT INTO changes (kind, object, revision) VALUES ('key', $1, $2) " +
		"ON CONFLICT (kind, object) DO UPDATE SET revision = excluded.revision"
)

// write has change work in a transaction of a new revision, and keeps the record that it
// returns.
func (d *Database) write(
	ctx context.Context, a registry.Act, change func(*writing) (registry.Record, error),
) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	if err := d.Prepare(ctx); err != nil {
		return err
	}
	return unavailable(d.inTransaction(ctx, func(tx *sql.Tx) error {
		w := &writing{Tx: tx, ctx: ctx, now: d.now().Truncate(time.Microsecond).UTC()}
		if err := tx.QueryRowContext(ctx, raiseRevision).Scan(&w.revision); err != nil {
			return err
		}
		r, err := change(w)
		if err != nil {
			return err
		}
		if err := w.exec(noteChange, r.Object, w.revision); err != nil {
			return err
		}
		r.Revision, r.At, r.Act = w.revision, w.now, a
		return w.record(r)
	}))
}
