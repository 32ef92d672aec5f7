package database

import (
	"context"
	"database/sql"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// engine is what differs between databases.
type engine struct {
	db *sql.DB
	// lock is a statement that lets one transaction at a time change the schema; "" where
	// every writing transaction has that to itself.
	lock string
	// isTaken reports whether an error says that a row is there already.
	isTaken func(error) bool
}

const (
	// fileMode and folderMode are those of what SQLite keeps: it has hashes of keys, and names.
	fileMode, folderMode = 0o600, 0o700
	// fileName is that of SQLite's file in the data directory.
	fileName = "control.db"
	// connectionsMax is how many connections to PostgreSQL a gateway keeps.
	connectionsMax  = 4
	connectionsLife = 30 * time.Minute
)

// sqlitePragmas are for one writer at a time, for commits that are on the disk when they are
// answered, and for readers that do not wait for the writer.
const sqlitePragmas = "_txlock=immediate&_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)" +
	"&_pragma=synchronous(FULL)&_pragma=foreign_keys(1)"

// openSQLite opens the file in a folder, which it makes where it is missing.
func openSQLite(o Options) (*engine, error) {
	if err := os.MkdirAll(o.Folder, folderMode); err != nil {
		return nil, err
	}
	path := filepath.Join(o.Folder, fileName)
	// #nosec G304 -- the operator names it
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, fileMode)
	if err != nil {
		return nil, err
	}
	if err := f.Close(); err != nil {
		return nil, err
	}
	u := url.URL{Scheme: "file", Opaque: url.PathEscape(path), RawQuery: sqlitePragmas}
	db, err := sql.Open("sqlite", u.String())
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1) // whoever else writes would only wait
	return &engine{db: db, isTaken: func(err error) bool {
		e, ok := errors.AsType[*sqlite.Error](err)
		return ok && e.Code() == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY
	}}, nil
}

// openPostgres opens the database at a URL. It does not connect.
func openPostgres(o Options) (*engine, error) {
	c, err := pgx.ParseConfig(o.URL)
	if err != nil {
		// The error may quote the password.
		return nil, errors.New("database.url is none of PostgreSQL: set it to one such as " +
			"postgres://USER:PASSWORD@HOST:5432/DATABASE?sslmode=verify-full")
	}
	if o.Password != "" {
		c.Password = o.Password
	}
	// Named statements are lost behind a pool of transactions, as pgbouncer has it.
	c.DefaultQueryExecMode = pgx.QueryExecModeExec
	db := stdlib.OpenDB(*c)
	db.SetMaxOpenConns(connectionsMax)
	db.SetConnMaxLifetime(connectionsLife)
	const uniqueViolation = "23505"
	const lock = "SELECT pg_advisory_xact_lock(7482920116)" // a number of our own
	return &engine{db: db, lock: lock, isTaken: func(err error) bool {
		e, ok := errors.AsType[*pgconn.PgError](err)
		return ok && e.Code == uniqueViolation
	}}, nil
}

// inTransaction has do work in a transaction, which is committed where it does not fail.
func (e *engine) inTransaction(ctx context.Context, do func(*sql.Tx) error) error {
	tx, err := e.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // it is committed, or the first error counts
	if err := do(tx); err != nil {
		return err
	}
	return tx.Commit()
}
