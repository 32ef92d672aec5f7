package database

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Both databases change their schema in transactions. So all that is missing is done in one,
// which one gateway at a time can be in; the others find it done. A gateway that dies in it has
// done nothing, and holds up nobody.

// ErrLaterVersion is returned for a database that a later version of the gateway has written.
var ErrLaterVersion = errors.New("the control database was written by a later version of the " +
	"gateway: run that one, or restore a copy from before it")

// migrate brings the schema to what this version needs. It fails where a later version has
// been here.
func (e *engine) migrate(ctx context.Context) error {
	files, err := fs.Glob(migrations, "migrations/*.sql") // in their order
	if err != nil {
		return err
	}
	return e.inTransaction(ctx, func(tx *sql.Tx) error {
		if e.lock != "" {
			if _, err := tx.ExecContext(ctx, e.lock); err != nil {
				return err
			}
		}
		_, err := tx.ExecContext(ctx,
			"CREATE TABLE IF NOT EXISTS schema_version (version BIGINT NOT NULL)")
		if err != nil {
			return err
		}
		var done int
		err = tx.QueryRowContext(ctx, "SELECT count(*) FROM schema_version").Scan(&done)
		if err != nil {
			return err
		}
		if done > len(files) {
			return fmt.Errorf("%w: its schema is version %d, and this gateway knows %d",
				ErrLaterVersion, done, len(files))
		}
		for i := done; i < len(files); i++ {
			text, err := migrations.ReadFile(files[i])
			if err != nil {
				return err
			}
			if _, err := tx.ExecContext(ctx, string(text)); err != nil {
				return fmt.Errorf("%s: %w", files[i], err)
			}
			_, err = tx.ExecContext(ctx, "INSERT INTO schema_version (version) VALUES ($1)", i+1)
			if err != nil {
				return err
			}
		}
		return nil
	})
}
