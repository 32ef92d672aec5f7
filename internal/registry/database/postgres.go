package database

import (
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

const (
	// connectionsMax is how many connections to PostgreSQL a gateway keeps, beside one by which it
	// follows and one by which it is told.
	connectionsMax  = 4
	connectionsLife = 30 * time.Minute
	// uniqueViolation is PostgreSQL's code for a row that is there already.
	uniqueViolation = "23505"
)

// silenceMax is how long a gateway may say nothing within a transaction: it only computes there.
const silenceMax = 10 * time.Second

// postgres is an engine.
type postgres struct {
	db, follower *sql.DB
	config       *pgx.ConnConfig
	silence      time.Duration
}

// openPostgres opens the database at the URL of o. It does not connect.
func openPostgres(o Options) (*postgres, error) {
	c, err := pgx.ParseConfig(o.URL)
	if err != nil {
		return nil, urlError(err)
	}
	if o.Password != "" {
		c.Password = o.Password
	}
	// A standby that lags would bring back keys that are revoked.
	c.ValidateConnect = pgconn.ValidateConnectTargetSessionAttrsPrimary
	// Named statements are lost behind a pool of transactions, as pgbouncer has it.
	c.DefaultQueryExecMode = pgx.QueryExecModeExec
	return newPostgres(c), nil
}

// newPostgres opens the database of c.
func newPostgres(c *pgx.ConnConfig) *postgres {
	open := func(connections int) *sql.DB {
		db := stdlib.OpenDB(*c)
		db.SetMaxOpenConns(connections)
		db.SetMaxIdleConns(connections)
		db.SetConnMaxLifetime(connectionsLife)
		return db
	}
	return &postgres{open(connectionsMax), open(1), c, silenceMax}
}

// nameOf returns the hosts and the database of c.
func nameOf(c *pgx.ConnConfig) string {
	name := fmt.Sprintf("%s:%d", c.Host, c.Port)
	for _, f := range c.Fallbacks {
		if other := fmt.Sprintf("%s:%d", f.Host, f.Port); !strings.HasSuffix(name, other) {
			name += "," + other // hosts come twice, with TLS and without
		}
	}
	return name + "/" + c.Database
}

// urlError returns what is wrong with a URL, without quoting it: the password is in it.
func urlError(err error) error {
	if file, ok := errors.AsType[*fs.PathError](err); ok { // of a certificate, key or password
		return fmt.Errorf("database.url names a file that cannot be read: %w", file)
	}
	return errors.New("database.url is none of PostgreSQL: set it to one such as " +
		"postgres://USER:PASSWORD@HOST:5432/DATABASE?sslmode=verify-full")
}

func (p *postgres) pool() (*sql.DB, error)    { return p.db, nil }
func (p *postgres) following(*sql.DB) *sql.DB { return p.follower }
func (*postgres) standby() string             { return "pg_is_in_recovery()" }

func (p *postgres) close() error {
	return errors.Join(p.db.Close(), p.follower.Close())
}

// lock is one of the transaction, with a number of our own.
func (*postgres) lock() string { return "SELECT pg_advisory_xact_lock(7482920116)" }

// bounded sets what counts for this transaction alone, also behind a pool of transactions.
func (p *postgres) bounded() string {
	return fmt.Sprintf("set_config('idle_in_transaction_session_timeout', '%d', true)",
		p.silence.Milliseconds())
}

// tell wakes those who listen: see Listen.
func (*postgres) tell() string { return notify }

// hasTable reads the catalog itself: to_regclass may remember, within a transaction, that there
// was no such table when it began.
func (*postgres) hasTable() string {
	return "SELECT EXISTS (SELECT 1 FROM pg_class WHERE relname = $1 AND relkind = 'r' " +
		"AND pg_table_is_visible(oid))"
}

func (*postgres) clock() string {
	return "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT)"
}

func (*postgres) isTaken(err error) bool {
	e, ok := errors.AsType[*pgconn.PgError](err)
	return ok && e.Code == uniqueViolation
}
