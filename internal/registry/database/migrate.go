package database

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"

	"github.com/token-rate-limiter/token-rate-limiter/internal/registry"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Both databases change their schema in transactions. So all that is missing is done in one,
// which one gateway at a time can be in; the others find it done. A gateway that dies in it has
// done nothing, and holds up nobody. Whether something is missing is read first, so that who may
// not change the schema can use one that is there.

const (
	versionTable  = "schema_version"
	createVersion = "CREATE TABLE IF NOT EXISTS " + versionTable +
		" (version BIGINT PRIMARY KEY, oldest BIGINT NOT NULL)"
	selectVersion = "SELECT COALESCE(MAX(version), 0), COALESCE(MAX(oldest), 0) FROM " +
		versionTable
	insertVersion = "INSERT INTO " + versionTable + " (version, oldest) VALUES ($1, $2)"
	// oldestLine begins every migration: gateways whose newest migration is an earlier one than
	// that can neither read nor write what it makes. While replicas are replaced one after the
	// other, older ones go on unless they are older than that.
	oldestLine = "-- Gateways that know version %d of the schema can work with this one."
)

// migration is one step of the schema.
type migration struct {
	name, text string
	oldest     int
}

// steps are all migrations in their order: the first makes version 1.
var steps, errSteps = readMigrations()

func readMigrations() (list []migration, err error) {
	names, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		text, err := migrations.ReadFile(name)
		if err != nil {
			return nil, err
		}
		m := migration{name: name, text: string(text)}
		if _, err := fmt.Sscanf(m.text, oldestLine, &m.oldest); err != nil {
			return nil, fmt.Errorf("%s does not begin with %q", name, oldestLine)
		}
		list = append(list, m)
	}
	return list, nil
}

// row asks for one row of a database, or in a transaction.
type row interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// versionOf returns how many migrations were done; 0 where there is nothing yet. It fails where
// a later version has been here that this one cannot work with.
func (d *Database) versionOf(ctx context.Context, q row) (version int, err error) {
	var there bool
	err = q.QueryRowContext(ctx, d.hasTable(), versionTable).Scan(&there)
	if err != nil || !there {
		return 0, err
	}
	var oldest int
	if err := q.QueryRowContext(ctx, selectVersion).Scan(&version, &oldest); err != nil {
		return 0, err
	}
	return version, checkVersion(oldest)
}

// checkVersion fails where this gateway is too old for a schema.
func checkVersion(oldest int) error {
	if known := len(steps); oldest > known {
		return fmt.Errorf("%w: it needs one that knows version %d of its schema, and this one "+
			"knows %d", registry.ErrLaterVersion, oldest, known)
	}
	return nil
}

// errOlderSchema is what a call fails with that finds an older schema than was there before.
var errOlderSchema = errors.New("an older copy was restored, whose schema is brought up now")

// migrate brings the schema to what this version needs. It fails where a later version has
// been here that this one cannot work with, and with ErrNone or ErrEarlierVersion where nothing is
// to be made.
func (d *Database) migrate(ctx context.Context, db *sql.DB) error {
	if errSteps != nil {
		return errSteps
	}
	version, err := d.versionOf(ctx, db)
	switch {
	case err != nil || version >= len(steps):
		return err
	case version == 0 && d.existing:
		return ErrNone
	case d.existing:
		return fmt.Errorf("%w: it has version %d of its schema, and this one needs %d",
			ErrEarlierVersion, version, len(steps))
	}
	return inTransaction(ctx, db, func(tx *sql.Tx) error {
		if lock := d.lock(); lock != "" {
			if _, err := tx.ExecContext(ctx, lock+", "+d.bounded()); err != nil {
				return err
			}
		}
		if version, err = d.versionOf(ctx, tx); err != nil { // it may be done by now
			return err
		}
		if _, err := tx.ExecContext(ctx, createVersion); err != nil {
			return err
		}
		for i := version; i < len(steps); i++ {
			if _, err := tx.ExecContext(ctx, steps[i].text); err != nil {
				return fmt.Errorf("%s: %w", steps[i].name, err)
			}
			_, err := tx.ExecContext(ctx, insertVersion, i+1, steps[i].oldest)
			if err != nil {
				return err
			}
		}
		return nil
	})
}
