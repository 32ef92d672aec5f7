package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/registry"
)

// writing is a transaction that changes something, under its own revision.
type writing struct {
	*sql.Tx
	ctx      context.Context
	revision int64
	now      time.Time
	// elsewhere tells that what changes is not in the database: only a record is kept.
	elsewhere bool
}

// exec runs a statement.
func (w *writing) exec(statement string, args ...any) error {
	_, err := w.ExecContext(w.ctx, statement, args...)
	return err
}

const (
	raiseRevision = "UPDATE meta SET revision = revision + 1 " +
		"RETURNING revision, (SELECT COUNT(*) FROM meta), NOW, "
	noteChange = "INSERT INTO changes (kind, object, revision) VALUES ($1, $2, $3) " +
		"ON CONFLICT (kind, object) DO UPDATE SET revision = excluded.revision"
)

// errDryRun ends a transaction of which nothing is to be kept, and errUnchanged one that would
// keep what there is.
var (
	errDryRun    = errors.New("dry run")
	errUnchanged = errors.New("nothing is changed")
)

// write has change work in a transaction of a new revision, and keeps the record that it
// returns. Where change fails with errUnchanged nothing is kept, and there is no new revision.
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
	if errors.Is(err, errDryRun) || errors.Is(err, errUnchanged) {
		return nil
	}
	return unavailable(err)
}

// keep does the work of write in the transaction. The row of the revision is locked first, so
// that revisions become visible in their order.
func (d *Database) keep(ctx context.Context, tx *sql.Tx, how registry.Write,
	change func(*writing) (registry.Record, error),
) error {
	w := &writing{Tx: tx, ctx: ctx}
	if err := d.raise(w); err != nil {
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
	if !w.elsewhere {
		kind := registry.KindOf(r.Object)
		if err := w.exec(noteChange, string(kind), r.Object, w.revision); err != nil {
			return err
		}
	}
	if tell := d.tell(); tell != "" {
		if err := w.exec(tell); err != nil {
			return err
		}
	}
	r.Revision, r.At, r.Act = w.revision, w.now, how.Act
	return w.record(r)
}

// raise begins w: it locks the row of the revision, and sets the time. That is PostgreSQL's where
// replicas share it, for their own clocks may differ: the order of ids and of secrets is that of
// the revisions.
func (d *Database) raise(w *writing) error {
	var rows int
	var now int64
	var bounded string
	err := w.QueryRowContext(w.ctx, d.timed(raiseRevision)+d.bounded()).Scan(
		&w.revision, &rows, &now, &bounded)
	if errors.Is(err, sql.ErrNoRows) {
		return checkMeta(0)
	}
	if err != nil {
		return err
	}
	if w.now = registry.TimeOf(now); d.now != nil {
		w.now = d.now().Truncate(time.Microsecond).UTC()
	}
	return checkMeta(rows)
}

// checkMeta fails where there is not one revision, but rows: a copy was put into a schema that was
// there already, and nobody knows which of them counts.
func checkMeta(rows int) error {
	if rows != 1 {
		return fmt.Errorf("the table meta has %d rows instead of one, as after a copy that was "+
			"put into tables that were there: restore it into an empty schema", rows)
	}
	return nil
}
