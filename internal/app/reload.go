package app

import (
	"context"
	"maps"
	"net/netip"
	"slices"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/config"
	"github.com/token-rate-limiter/token-rate-limiter/internal/control"
	"github.com/token-rate-limiter/token-rate-limiter/internal/fleet"
)

// openControl brings the gateway to what its sources want, for the first time.
func (a *App) openControl(ctx context.Context, o *Options) (err error) {
	a.servers = fleet.New(a.log, a.fillContexts)
	var files *control.Files
	if o.Files != nil {
		files = control.NewFiles(*o.Files, o.Log)
	}
	a.control, err = control.New(ctx, control.Options{
		Config: o.Config, Files: files, Sources: o.Sources, Log: o.Log,
		Apply: a.apply, Applied: a.applied, Leaving: a.leaving.Load,
		Read:   func(ok bool) { a.metrics.Reloaded(ok, time.Now()) },
		Scarce: a.scarce.Unread,
	})
	if err == nil {
		a.metrics.Reloaded(true, time.Now())
	}
	return err
}

// Reload reads the configuration again at once and says what came of it, also where the files are
// as they were. It is safe for concurrent use; callers wait for each other.
func (a *App) Reload() { a.control.Reload(context.Background()) }

// apply makes a state what is served, as far as it can change. Running requests keep the one that
// they have begun with. It returns what can be followed at the next start only.
func (a *App) apply(next control.State) (atStart []string, err error) {
	previous := a.current.Load()
	defer a.keepKeys()
	s, err := a.newSnapshot(previous, next.Config)
	if err != nil {
		return nil, err
	}
	a.current.Store(s)
	a.fillContexts()
	a.store.Serve(slices.Sorted(maps.Keys(charged(s)))) // it finds out what it is refused
	a.setLevel(next.Config)
	if previous == nil {
		return nil, nil
	}
	previous.catalog.Release()
	longest, before := longestIdle(next.Config.Services), longestIdle(previous.config.Services)
	if a.patience > 0 && longest != before && longest != a.patience {
		atStart = append(atStart, "vllm.services.NAME.idle-timeout, the longest of all, "+
			"for HTTP/2 connections that take nothing")
	}
	return atStart, nil
}

// setLevel has the log follow the configuration, where it can.
func (a *App) setLevel(c *config.Config) {
	if a.level != nil {
		_ = a.level.UnmarshalText([]byte(c.Logging.Level)) // the words are the same
	}
}

// applied warns of a change that lets in whoever did not come in before.
func (a *App) applied(c config.Changes) {
	switched := slices.Contains(c.Settings, "auth.enabled")
	if switched && a.isOpen() {
		a.log.Warn("authentication has been switched off: from now on everybody who reaches the " +
			"gateway is admin and names the user whose limits count; to undo it, " +
			"set auth.enabled to true in the configuration's files, " +
			"which are read again by themselves")
	}
	if c.Keys.Any() || switched {
		a.warnOfAccess()
	}
}

// listens notes where the gateway listens, and warns of who may come in.
func (a *App) listens(address string) {
	a.address.Store(address)
	a.warnOfAccess()
	if warnings := a.control.State().Warnings(); len(warnings) > 0 {
		a.log.Warn("some settings are probably not what is meant", "warnings", warnings)
	}
}

// warnOfAccess warns of a configuration that lets everybody in, once the gateway listens.
func (a *App) warnOfAccess() {
	address, listens := a.address.Load().(string)
	if !listens || !a.isOpen() {
		return
	}
	if a.manage != nil && !isLoopback(a.manage.where()) {
		a.log.Warn("authentication is off, and management.address is reached from beyond this "+
			"machine: everybody is admin there", "address", a.manage.where())
	}
	if !isLoopback(address) {
		a.log.Warn("authentication is off, and the gateway listens beyond this machine: "+
			"everybody who reaches it is admin", "address", address)
	}
}

// isLoopback reports whether only this machine reaches an address.
func isLoopback(address string) bool {
	a, err := netip.ParseAddrPort(address)
	return err == nil && a.Addr().IsLoopback()
}
