package registry

import (
	"context"
	"time"
)

// Resume takes over what Known returned before, in another process perhaps: what has changed
// since is not known until the store is heard. It is called before anything else is.
func (f *Follower) Resume(c Changes) {
	f.Keys.Apply(c)
	f.revision.Store(&c.Revision)
	f.resumed.Store(true)
}

// Known returns all that is known, for Resume. It waits for changes that are being applied.
func (f *Follower) Known(ctx context.Context) (Changes, error) {
	select {
	case f.turn <- struct{}{}:
	case <-ctx.Done():
		return Changes{}, ctx.Err()
	}
	defer func() { <-f.turn }()
	c := Changes{Revision: f.Revision(), Whole: true, Keys: f.Keys.Keys()}
	c.Tenants, c.Users, c.Roles = f.Keys.people()
	return c, nil
}

// keepInterval is how often what is known is kept, at the most.
const keepInterval = time.Second

// Keep has write keep what is known, for Resume, whenever that is new, at most once a second and
// once more when ctx ends. Where it fails it is tried again. The log says so once.
func (f *Follower) Keep(ctx context.Context, write func(Changes) error) {
	tick := time.NewTicker(keepInterval)
	defer tick.Stop()
	var kept *Revision
	if f.resumed.Load() {
		kept = f.revision.Load()
	}
	failing := false
	for ended := false; !ended; {
		select {
		case <-ctx.Done():
			ended = true
		case <-tick.C:
		}
		if r := f.Revision(); !f.Heard() || kept != nil && *kept == r {
			continue
		}
		err := f.keep(context.WithoutCancel(ctx), write, &kept)
		if err != nil && !failing {
			f.log.Warn("what is known of the control database could not be written to the disk: "+
				"a gateway that starts while the database is away will know no or older keys",
				"error", err)
		}
		failing = err != nil
	}
}

// keep has write keep what is known, and tells of which revision that is.
func (f *Follower) keep(
	ctx context.Context, write func(Changes) error, kept **Revision,
) error {
	ctx, cancel := context.WithTimeout(ctx, pollTimeout)
	defer cancel()
	c, err := f.Known(ctx)
	if err != nil {
		return nil // it is being changed: the next time
	}
	if err := write(c); err != nil {
		return err
	}
	*kept = &c.Revision
	return nil
}
