package database

import (
	"context"
	"database/sql"
	"errors"
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

// errDryRun ends a transaction of which nothing is to be kept.
var errDryRun = errors.New("dry run")

// write has change work in a transaction of a new revision, and keeps the record that it
// returns.
func (d *Database) write(
	ctx context.Context, how registry.Write, change func(*writing) (registry.Record, error),
) error {
	if err := how.Check(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	db, err := d.ready(ctx)
	if err != nil {
		return err
	}
	err = inTransaction(ctx, db, func(tx *sql.Tx) error {
		if err := d.keep(ctx, tx, how, change); err != nil {
			return err
		}
		if how.DryRun {
			return errDryRun
		}
		return nil
	})
	if errors.Is(err, errDryRun) {
		return nil
	}
	return unavailable(err)
}

// keep does the work of write in the transaction. The row of the revision is locked first, so
// that revisions become visible in their order.
func (d *Database) keep(ctx context.Context, tx *sql.Tx, how registry.Write,
	change func(*writing) (registry.Record, error),
) error {
	w := &writing{Tx: tx, ctx: ctx, now: d.now().Truncate(time.Microsecond).UTC()}
	if err := tx.QueryRowContext(ctx, raiseRevision).Scan(&w.revision); err != nil {
		return err
	}
	if err := w.begin(how); err != nil {
		return err
	}
	r, err := change(w)
	if err != nil {
		return err
	}
	if err := w.end(how, r.Object); err != nil {
		return err
	}
	if err := w.exec(noteChange, r.Object, w.revision); err != nil {
		return err
	}
	if tell := d.tell(); tell != "" {
		if err := w.exec(tell); err != nil {
			return err
		}
	}
	r.Revision, r.At, r.Act = w.revision, w.now, how.Act
	return w.record(r)
}
