package control

import (
	"context"
	"encoding/hex"
	"log/slog"
	"sync"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/config"
)

// Files is the Source of the configuration's files, with the files that these name.
type Files struct {
	options config.Options
	log     *slog.Logger

	mu    sync.Mutex // held while files are read
	last  Layer      // what was read last; its Config is nil where that was wrong
	sum   config.Sum // of the files, when they were read last
	named config.Sum // of those that they name
}

// NewFiles returns the source of the files that o describes.
func NewFiles(o config.Options, log *slog.Logger) *Files { return &Files{options: o, log: log} }

// Name implements Source.
func (f *Files) Name() string { return "files" }

// Read implements Source. Files that are as they were are not looked at again.
func (f *Files) Read(context.Context) (Layer, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	sum := f.options.Sum()
	if f.isLast(sum) {
		return f.last, nil
	}
	c, err := config.Load(f.options)
	f.sum, f.last = sum, Layer{Version: hex.EncodeToString(sum[:])}
	if err != nil {
		return f.last, err
	}
	f.named = c.SumNamed() // before they are read: what changes then is read again
	f.last.Version += hex.EncodeToString(f.named[:])
	f.last.Config = c
	return f.last, nil
}

// isLast reports whether the files, which have the sum, and those that they name are as they
// were read last, and were right. The caller holds the lock.
func (f *Files) isLast(sum config.Sum) bool {
	return f.last.Config != nil && sum == f.sum && f.last.Config.SumNamed() == f.named
}

// stale reports whether there is something to read.
func (f *Files) stale() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return !f.isLast(f.options.Sum())
}

// Watch implements Source. It waits until files that change have come to rest.
func (f *Files) Watch(ctx context.Context, changed func()) {
	d, err := openFolder(f.options.Folder())
	if err != nil {
		f.log.Warn("the system does not tell of changed files: they are looked at every "+
			lookInterval.String(), "error", err)
	}
	defer d.close()
	events, missed := d.tells()
	tick := time.NewTicker(lookInterval)
	defer tick.Stop()
	read := time.NewTimer(restLatest)
	read.Stop()
	var r rest
	for {
		select {
		case <-ctx.Done():
			return
		case <-events:
			read.Reset(r.disturbed(time.Now()))
		case <-missed:
			read.Reset(r.disturbed(time.Now()))
		case <-tick.C:
			d.follow()
			if !r.waiting() && f.stale() {
				read.Reset(r.disturbed(time.Now()))
			}
		case <-read.C:
			r = rest{}
			d.follow()
			changed()
		}
	}
}
