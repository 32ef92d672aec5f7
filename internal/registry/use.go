package registry

import (
	"context"
	"maps"
	"time"
)

const (
	// useInterval is how often a gateway tells which keys were used.
	useInterval = time.Minute
	useTimeout  = 10 * time.Second
)

// TellUse tells the store once a minute which keys were used, and once more when ctx ends. What
// could not be told is told the next time.
func (f *Follower) TellUse(ctx context.Context) {
	tick := time.NewTicker(useInterval)
	defer tick.Stop()
	untold := map[string]time.Time{}
	for ended := false; !ended; {
		select {
		case <-ctx.Done():
			ended = true
		case <-tick.C:
		}
		maps.Copy(untold, f.Keys.TakeUsed())
		if len(untold) == 0 || ended && !f.Fresh() {
			continue // an end does not wait for a store that is away
		}
		telling, cancel := context.WithTimeout(context.WithoutCancel(ctx), useTimeout)
		if f.store.Used(telling, untold) == nil {
			clear(untold)
		}
		cancel()
	}
}
