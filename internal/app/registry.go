package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/admin"
	"github.com/token-rate-limiter/token-rate-limiter/internal/config"
	"github.com/token-rate-limiter/token-rate-limiter/internal/registry"
	"github.com/token-rate-limiter/token-rate-limiter/internal/registry/database"
	"github.com/token-rate-limiter/token-rate-limiter/internal/registry/disk"
	"github.com/token-rate-limiter/token-rate-limiter/internal/telemetry"
)

// registryTimeout bounds how long the start waits for the control database.
const registryTimeout = 5 * time.Second

// errNoRegistry is returned where the configuration names no control database.
var errNoRegistry = errors.New("there is no control database, and keys are those of " +
	"auth.api-keys: set database.url to PostgreSQL's, which replicas share, or " +
	"server.data-directory to a folder for SQLite, for one gateway; or is it another profile " +
	"than the gateway's (--profile, --config)?")

// OpenRegistry opens the control database that c names, to change it. It is made where it is
// missing. Where c names none, it fails.
func OpenRegistry(c *config.Config) (registry.Store, error) {
	return openNamed(databaseOptions(c))
}

// ReadRegistry opens the control database that c names, to look at it: where there is nothing
// yet, nothing is made, and calls fail. Where c names none, it fails.
func ReadRegistry(c *config.Config) (registry.Store, error) {
	o := databaseOptions(c)
	o.Existing = true
	return openNamed(o)
}

// openNamed opens the control database of o, and fails where o names none.
func openNamed(o database.Options) (registry.Store, error) {
	d, err := openDatabase(o)
	switch {
	case err != nil:
		return nil, err
	case d == nil:
		return nil, errNoRegistry
	}
	return d, nil
}

// databaseOptions say which control database c names.
func databaseOptions(c *config.Config) database.Options {
	return database.Options{
		URL: c.Database.URL, Password: c.Database.Password, Folder: c.Server.DataDirectory,
	}
}

// openDatabase opens the control database of o; nil where o names none. It may be away.
func openDatabase(o database.Options) (*database.Database, error) {
	if o.URL == "" && o.Folder == "" {
		return nil, nil
	}
	d, err := database.Open(o)
	if err != nil {
		return nil, fmt.Errorf("the control database cannot be opened: %w", err)
	}
	return d, nil
}

// openRegistry opens the control database, where there is one, and learns its keys. One that is
// away holds up no start: it is asked again for as long as the gateway runs.
func (a *App) openRegistry(ctx context.Context) error {
	d, err := openDatabase(databaseOptions(a.config))
	if err != nil || d == nil {
		return err
	}
	a.registry, a.follower = d, registry.NewFollower(d, a.log)
	a.follower.Notified = a.config.Database.Notifications
	ctx, cancel := context.WithTimeout(ctx, registryTimeout)
	defer cancel()
	if err := d.Prepare(ctx); err != nil && !errors.Is(err, registry.ErrUnavailable) {
		return err
	}
	telemetry.RegisterGauge(a.collectors, "control_database_staleness_seconds",
		"How long ago the control database was last heard: what has changed since is not known.",
		func() float64 { return a.follower.Age().Seconds() })
	if c := a.config; c.Server.DataDirectory != "" && d.Name() != "" {
		a.copy = &disk.Copy{Folder: c.Server.DataDirectory, Database: d.Name()}
	}
	if a.follower.Follow(ctx) != nil && a.copy != nil { // why is in the log
		a.resume()
	}
	return nil
}

// resume takes over what a gateway has known before, while the control database does not answer.
func (a *App) resume() {
	known, written, err := a.copy.Read()
	switch {
	case errors.Is(err, disk.ErrNone):
	case err != nil:
		a.log.Warn("the copy of the control database on the disk is not used", "error", err)
	default:
		a.follower.Resume(known)
		a.log.Warn("the control database does not answer: keys are those of the copy on the disk",
			"revision", known.Revision.Number, "keys", len(known.Keys), "written", written)
	}
}

// keepRegistry keeps a copy of what is known of the control database on the disk, where there is
// a place for it, until ctx ends.
func (a *App) keepRegistry(ctx context.Context) {
	if a.copy != nil {
		a.follower.Keep(ctx, a.copy.Write)
	}
}

// heard returns what tells how the control database stands; nil where there is none.
func (a *App) heard() func() admin.Heard {
	if a.follower == nil {
		return nil
	}
	return func() admin.Heard {
		switch {
		case a.follower.Fresh():
			return admin.Followed
		case a.follower.Informed() || a.isOpen(): // where nobody needs a key, none is missed
			return admin.Away
		}
		return admin.Unheard
	}
}
