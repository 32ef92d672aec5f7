package database

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/registry"
)

// Options of a Database. One of URL and Folder is required.
type Options struct {
	URL      string // of PostgreSQL; secret
	Password string // counts before one in URL; secret; "": that of URL
	Folder   string // of SQLite's file; made where it is missing. It is not used beside URL.
	// Now is the clock; nil: the system's.
	Now func() time.Time
}

// Database is a [registry.Store] in SQL. It is safe for concurrent use.
type Database struct {
	*engine
	now func() time.Time

	preparing sync.Mutex
	prepared  atomic.Bool // the schema is what this version needs
}

// callTimeout bounds every call, whatever its context says, and wholeTimeout those for all keys.
const (
	callTimeout  = 10 * time.Second
	wholeTimeout = 30 * time.Second
)

// Open opens the database. PostgreSQL may be away: it is connected to when it is needed.
func Open(o Options) (*Database, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	open := openSQLite
	if o.URL != "" {
		open = openPostgres
	}
	e, err := open(o)
	if err != nil {
		return nil, err
	}
	return &Database{engine: e, now: o.Now}, nil
}

// Prepare brings the schema to what this version needs, unless it has done so: every other
// method begins with it. It fails with [ErrLaterVersion] where a later version has been here.
func (d *Database) Prepare(ctx context.Context) error {
	if d.prepared.Load() {
		return nil
	}
	d.preparing.Lock()
	defer d.preparing.Unlock()
	if d.prepared.Load() {
		return nil
	}
	err := d.migrate(ctx)
	d.prepared.Store(err == nil)
	return unavailable(err)
}

// Close implements registry.Store. It waits for what is under way.
func (d *Database) Close() error { return d.db.Close() }

// unavailable returns what a call has failed with: what the registry says, or that the database
// cannot be reached.
func unavailable(err error) error {
	var field *registry.FieldError
	for _, known := range []error{
		registry.ErrNotFound, registry.ErrRevoked, registry.ErrTooMany, registry.ErrTaken,
		ErrLaterVersion,
	} {
		if errors.Is(err, known) {
			return err
		}
	}
	if err == nil || errors.As(err, &field) {
		return err
	}
	return fmt.Errorf("%w: %w", registry.ErrUnavailable, err)
}

// moment returns a time as it is kept; 0 for none.
func moment(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// timeOf returns the time that is kept as m.
func timeOf(m int64) time.Time {
	if m == 0 {
		return time.Time{}
	}
	return time.UnixMicro(m).UTC()
}
