package database

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	// channel is where PostgreSQL tells of changes.
	channel = "token_rate_limiter"
	notify  = "NOTIFY " + channel
	listen  = "LISTEN " + channel
	// listenPause is between two attempts to listen: nothing waits for it.
	listenPause = time.Second
	// leaveTimeout bounds how long the end of a connection may take.
	leaveTimeout = time.Second
)

// Listen implements registry.Notifier. PostgreSQL tells of commits, over a connection of its own.
// Behind a pool of transactions nothing is ever heard. Of SQLite nobody tells, and it returns at
// once.
func (d *Database) Listen(ctx context.Context, changed func()) {
	p, ok := d.engine.(*postgres)
	for ok && ctx.Err() == nil {
		_ = p.listen(ctx, changed) // whoever polls says that the database is away
		select {
		case <-ctx.Done():
		case <-time.After(listenPause):
		}
	}
}

// listen calls changed for whatever it hears, until the connection is lost or ctx ends.
func (p *postgres) listen(ctx context.Context, changed func()) error {
	connecting, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	c, err := pgx.ConnectConfig(connecting, p.config)
	if err != nil {
		return err
	}
	defer closeConnection(c)
	if _, err := c.Exec(connecting, listen); err != nil {
		return err
	}
	for {
		if _, err := c.WaitForNotification(ctx); err != nil {
			return err
		}
		changed()
	}
}

// closeConnection takes leave of the server, but does not wait for it.
func closeConnection(c *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.Background(), leaveTimeout)
	defer cancel()
	_ = c.Close(ctx) // nobody uses it any more
}
