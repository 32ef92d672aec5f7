package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/config"
	"github.com/token-rate-limiter/token-rate-limiter/internal/registry"
	"github.com/token-rate-limiter/token-rate-limiter/internal/registry/database"
)

// registryTimeout bounds how long the start waits for the control database.
const registryTimeout = 5 * time.Second

// OpenRegistry opens the control database that c names, for a command. It fails where c names
// none.
func OpenRegistry(c *config.Config) (registry.Store, error) {
	d, err := openDatabase(c)
	if err == nil && d == nil {
		err = errors.New("there is no control database: set database.url to PostgreSQL's, " +
			"or server.data-directory to a folder for SQLite")
	}
	return d, err
}

// openDatabase opens the control database that c names; nil where it names none. It may be away.
func openDatabase(c *config.Config) (*database.Database, error) {
	o := database.Options{
		URL: c.Database.URL, Password: c.Database.Password, Folder: c.Server.DataDirectory,
	}
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
	d, err := openDatabase(a.config)
	if err != nil || d == nil {
		return err
	}
	a.people, a.follower = d, registry.NewFollower(d, a.log)
	ctx, cancel := context.WithTimeout(ctx, registryTimeout)
	defer cancel()
	if err := d.Prepare(ctx); err != nil && !errors.Is(err, registry.ErrUnavailable) {
		return err
	}
	_ = a.follower.Follow(ctx) // it is in the log
	return nil
}
