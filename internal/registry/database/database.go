package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/registry"
)

// Options of a Database. One of URL and Folder is required.
type Options struct {
	URL      string // of PostgreSQL; secret
	Password string // counts before one in URL; secret; "": that of URL
	Folder   string // of SQLite's file; made where it is missing. It is not used beside URL.
	// Existing has nothing made: where there is no database yet, calls fail with [ErrNone],
	// and where its schema is that of an earlier version, with [ErrEarlierVersion].
	Existing bool
	// Now is the clock; nil: PostgreSQL's own, which replicas share, or the system's.
	Now func() time.Time
}

// Database is a [registry.Store] in SQL. It is safe for concurrent use.
type Database struct {
	engine
	existing bool
	now      func() time.Time // nil: that of the database
	piece    int              // how many changes are read at once

	preparing chan struct{} // held while the schema is looked at
	// prepared is the pool whose schema is what this version needs; nil: none yet.
	prepared atomic.Pointer[sql.DB]
}

const (
	// callTimeout bounds every call but Changes, whatever its context says.
	callTimeout = 10 * time.Second
	// changesTimeout bounds the reading of what has changed lately: another connection may be
	// well where one hangs. wholeTimeout is for all keys.
	changesTimeout = 2 * time.Second
	wholeTimeout   = 30 * time.Second
	// pieceMax is how many changes are read at once: as many as come over a slow line in
	// changesTimeout.
	pieceMax = 500
)

// ErrNone is returned where there is no control database, and none is to be made.
var ErrNone = errors.New("there is nothing in the control database yet: bootstrap, " +
	"or key create, makes the first key")

// ErrEarlierVersion is returned where the schema is that of an earlier version, and is not to be
// brought up.
var ErrEarlierVersion = errors.New("the control database is of an earlier version of the " +
	"gateway: use the commands of that one, or start a gateway of this one, which brings it up")

// Open opens the database. PostgreSQL may be away: it is connected to when it is needed.
func Open(o Options) (*Database, error) {
	if o.Now == nil && o.URL == "" {
		o.Now = time.Now
	}
	d := &Database{
		existing: o.Existing, now: o.Now, piece: pieceMax, preparing: make(chan struct{}, 1),
	}
	var err error
	if o.URL != "" {
		d.engine, err = openPostgres(o)
	} else {
		d.engine, err = openSQLite(o)
	}
	if err != nil {
		return nil, err
	}
	return d, nil
}

// Prepare brings the schema to what this version needs, unless it has done so: every other
// method begins with it. It fails with [registry.ErrLaterVersion] where a later
// version has been here that this one cannot work with, and with [ErrNone] where nothing is to be
// made.
func (d *Database) Prepare(ctx context.Context) error {
	_, err := d.ready(ctx)
	return err
}

// ready returns connections to a database whose schema is what this version needs.
func (d *Database) ready(ctx context.Context) (*sql.DB, error) {
	db, err := d.pool()
	if err != nil {
		return nil, unavailable(err)
	}
	if d.prepared.Load() == db {
		return db, nil
	}
	select {
	case d.preparing <- struct{}{}:
	case <-ctx.Done():
		return nil, unavailable(ctx.Err())
	}
	defer func() { <-d.preparing }()
	if d.prepared.Load() == db {
		return db, nil
	}
	if err := d.migrate(ctx, db); err != nil {
		return nil, unavailable(err)
	}
	d.prepared.Store(db)
	return db, nil
}

// readyToFollow returns what ready does, for whoever follows.
func (d *Database) readyToFollow(ctx context.Context) (*sql.DB, error) {
	db, err := d.ready(ctx)
	if err != nil {
		return nil, err
	}
	return d.following(db), nil
}

// Name returns where PostgreSQL is and which database, without credentials; "" for SQLite.
func (d *Database) Name() string {
	if p, ok := d.engine.(*postgres); ok {
		return nameOf(p.config)
	}
	return ""
}

// Close implements registry.Store. It waits for what is under way.
func (d *Database) Close() error { return d.close() }

// refusal is an error of whoever wants something changed: the database is well.
type refusal struct{ err error }

func (r *refusal) Error() string { return r.err.Error() }

// unavailable returns what a call has failed with: what the registry says, or that the database
// cannot be reached.
func unavailable(err error) error {
	if r, ok := errors.AsType[*refusal](err); ok {
		return r.err
	}
	for _, known := range []error{
		registry.ErrNotFound, registry.ErrRevoked, registry.ErrExpired, registry.ErrTooMany,
		registry.ErrTaken, registry.ErrConflict, registry.ErrExists, registry.ErrLaterVersion,
		ErrNone, ErrEarlierVersion,
	} {
		if errors.Is(err, known) {
			return err
		}
	}
	var field *registry.FieldError
	if err == nil || errors.As(err, &field) {
		return err
	}
	return fmt.Errorf("%w: %w", registry.ErrUnavailable, err)
}
