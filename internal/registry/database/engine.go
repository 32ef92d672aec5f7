package database

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/token-rate-limiter/token-rate-limiter/internal/registry"
)

// engine is what differs between databases.
type engine interface {
	// pool returns connections to the database as it is at the moment. It does not connect.
	pool() (*sql.DB, error)
	// lock returns a statement that lets one transaction at a time change the schema; "" where
	// every writing transaction has that to itself.
	lock() string
	// tell returns a statement by which a transaction that is committed tells others of it; ""
	// where nobody can be told.
	tell() string
	// hasTable returns a question whether there is a table, whose name is its argument.
	hasTable() string
	// isTaken reports whether an error says that a row is there already.
	isTaken(error) bool
	// clock returns an expression: the time of the database, in microseconds since 1970.
	clock() string
	// bounded returns an expression that has the transaction end by itself where its gateway has
	// said nothing for a while: a machine that vanishes holds up nobody for ever.
	bounded() string
	// standby returns an expression: whether the database only repeats what another one does.
	standby() string
	// following returns the connection for whoever follows: those who wait in the pool db do not
	// keep it.
	following(db *sql.DB) *sql.DB
	close() error
}

// inTransaction has do work in a transaction, which is committed where it does not fail. It
// fails with registry.ErrUnconfirmed where that may have been done or not.
func inTransaction(ctx context.Context, db *sql.DB, do func(*sql.Tx) error) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // it is committed, or the first error counts
	if err := do(tx); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("%w: %w", registry.ErrUnconfirmed, err)
	}
	return nil
}
