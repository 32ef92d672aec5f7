package app

import (
	"errors"
	"log/slog"
	"net/netip"
	"reflect"
	"slices"
	"sync"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/config"
)

// reloads is what is known of reading the configuration again.
type reloads struct {
	source *config.Options // nil: it is not read again
	level  *slog.LevelVar  // nil: it does not change

	mu     sync.Mutex // held while the configuration is read and replaced
	closed bool
	sum    config.Sum // of the files that were read last
	named  config.Sum // of those that the configuration names, when it was applied
	failed string     // what was wrong with it; "" for nothing
	// doubted is of files that were wrong when they were read first: they may have been
	// half written.
	doubted config.Sum
	// address is where the gateway listens; "" while it does not.
	address string
}

// Reload reads the configuration again at once and says what came of it, also
// where the files are as they were. It is safe for concurrent use; callers wait
// for each other.
func (a *App) Reload() {
	if a.reloads.source == nil {
		a.log.Info("the configuration was not read from files, and is not read again")
		return
	}
	a.reload(asked)
}

// occasion says why the configuration is read again.
type occasion int

const (
	seen  occasion = iota // a file may have changed
	asked                 // somebody wants it
)

// reload reads the configuration and replaces the snapshot, or leaves
// everything as it is. It reports whether to read again in a while: a file that is
// wrong may be half written, and nobody has asked.
func (a *App) reload(why occasion) (again bool) {
	r := &a.reloads
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed || a.leaving.Load() {
		return false
	}
	first := r.sum == config.Sum{}
	sum := r.source.Sum()
	if sum == r.sum && r.failed == "" && a.current.Load().config.SumNamed() == r.named {
		a.logUnchanged(why)
		return false
	}
	before := a.current.Load().config
	c, err := config.Load(*r.source)
	var changes config.Changes
	if err == nil {
		changes, err = a.apply(c)
	}
	if outOfDescriptors(err) {
		a.scarce.unread(err) // the files may be right; stale finds that they were not read
		return false
	}
	if fresh := sum != r.sum || r.failed == ""; err != nil && fresh && why == seen && sum != r.doubted {
		r.doubted = sum
		return true
	}
	news := sum != r.sum || why == asked
	r.sum, r.doubted = sum, config.Sum{}
	if err != nil {
		news = news || r.failed != err.Error()
		r.failed = err.Error()
		a.metrics.Reloaded(false, time.Now())
		if news {
			a.logMistakes(err)
		}
		return false
	}
	r.failed = ""
	if first && reflect.DeepEqual(changes, config.Changes{}) {
		a.logUnchanged(why) // it is what the gateway has started with
		return false
	}
	a.metrics.Reloaded(true, time.Now())
	a.logChanges(changes, newWarnings(before.Warnings, c.Warnings))
	return false
}

// logUnchanged says that there was nothing to do, to whoever has asked.
func (a *App) logUnchanged(why occasion) {
	if why == asked {
		a.log.Info("the configuration is as it was")
	}
}

// endReloads lets nothing change the configuration any more. A reload that is under
// way is waited for, unless it hangs.
func (a *App) endReloads() {
	inTime(closeTimeout, func() {
		a.reloads.mu.Lock()
		defer a.reloads.mu.Unlock()
		a.reloads.closed = true
	})
}

// stale reports whether there is something to read: the files are not as they
// were read last, or were wrong for a reason that may lie elsewhere.
func (a *App) stale() bool {
	r := &a.reloads
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.failed != "" || r.source.Sum() != r.sum || a.current.Load().config.SumNamed() != r.named
}

// apply makes next the configuration, as far as it can change. Requests that
// are running go on with the one that they have begun with.
func (a *App) apply(next *config.Config) (config.Changes, error) {
	previous := a.current.Load()
	c, changes := config.Compare(previous.config, next)
	named := c.SumNamed() // before they are read: what changes then is read again
	s, err := a.newSnapshot(previous, c)
	if err != nil {
		return config.Changes{}, err
	}
	a.reloads.named = named
	a.adopt(s)
	previous.catalog.Release()
	if a.reloads.level != nil {
		a.reloads.level.Set(logLevels[c.Logging.Level])
	}
	if a.keepsPatience(previous.config, c) {
		changes.AtStart = append(changes.AtStart, patienceOfHTTP2)
	}
	return changes, nil
}

// patienceOfHTTP2 is what follows from a setting and cannot change, in the words of
// the log.
const patienceOfHTTP2 = "vllm.services.NAME.idle-timeout, the longest of all, for HTTP/2 connections that take nothing"

// keepsPatience reports whether a change of the configuration lets HTTP/2 connections
// have another patience than the server, which takes it when it starts.
func (a *App) keepsPatience(before, now *config.Config) bool {
	longest := longestIdle(now.Services)
	return a.patience > 0 && longest != longestIdle(before.Services) && longest != a.patience
}

// logMistakes says why a configuration is not applied: everything that is wrong
// with it, on one line.
func (a *App) logMistakes(err error) {
	mistakes := []string{err.Error()}
	if list := (config.Errors)(nil); errors.As(err, &list) {
		mistakes = mistakes[:0]
		for _, m := range list {
			mistakes = append(mistakes, m.Error())
		}
	}
	a.log.Error("the configuration is wrong and not applied; the gateway goes on with the one before", "mistakes", mistakes)
}

// newWarnings returns those of next that were not there before, wherever they stand in
// the files.
func newWarnings(before, next config.Errors) (added []string) {
	for _, w := range next {
		if !slices.ContainsFunc(before, func(b *config.Error) bool { return b.Path == w.Path && b.Problem == w.Problem }) {
			added = append(added, w.Error())
		}
	}
	return added
}

// logLevels are the levels by the configuration's words.
var logLevels = map[config.LogLevel]slog.Level{
	config.LevelDebug: slog.LevelDebug, config.LevelInfo: slog.LevelInfo,
	config.LevelWarn: slog.LevelWarn, config.LevelError: slog.LevelError,
}

// namesMax is how many names of a kind a line has.
const namesMax = 50

// logChanges says what a reload has changed, what it could not, and what is probably
// not meant.
func (a *App) logChanges(c config.Changes, warnings []string) {
	var attrs []any
	for _, list := range []struct {
		what  string
		names []string
	}{
		{"models-added", c.Models.Added}, {"models-removed", c.Models.Removed}, {"models-changed", c.Models.Changed},
		{"keys-added", c.Keys.Added}, {"keys-removed", c.Keys.Removed}, {"keys-changed", c.Keys.Changed},
		{"settings-changed", c.Settings},
	} {
		if len(list.names) > 0 {
			attrs = append(attrs, list.what, list.names[:min(len(list.names), namesMax)])
		}
		if more := len(list.names) - namesMax; more > 0 {
			attrs = append(attrs, list.what+"-more", more)
		}
	}
	if len(warnings) > 0 {
		a.log.Warn("the configuration is applied, but some settings are probably not what is meant", append(attrs, "warnings", warnings)...)
	} else {
		a.log.Info("the configuration is applied", attrs...)
	}
	if len(c.AtStart) > 0 {
		a.log.Warn("these settings have changed and take effect at the next start", "settings", c.AtStart)
	}
	switched := slices.Contains(c.Settings, "auth.enabled")
	if switched && !a.current.Load().config.Auth.Enabled {
		a.log.Warn("authentication has been switched off: from now on everybody who reaches the gateway is admin and names the user whose limits count; " +
			"to undo it, set auth.enabled to true in the configuration's files, which are read again by themselves")
	}
	if c.Keys.Any() || switched {
		a.warnOfAccess()
	}
}

// listens notes where the gateway listens, and warns of who may come in.
func (a *App) listens(address string) {
	a.reloads.mu.Lock()
	defer a.reloads.mu.Unlock()
	a.reloads.address = address
	a.warnOfAccess()
	if warnings := newWarnings(nil, a.current.Load().config.Warnings); len(warnings) > 0 {
		a.log.Warn("some settings are probably not what is meant", "warnings", warnings)
	}
}

// warnOfAccess warns of a configuration that lets everybody in. The caller holds the
// lock of reloads.
func (a *App) warnOfAccess() {
	if a.reloads.address == "" {
		return // listens will tell
	}
	c := a.current.Load().config
	if !c.Auth.Enabled && a.manage != nil && !a.manage.isPrivate() {
		a.log.Warn("authentication is off, and management.address is reached from beyond this machine: everybody is admin there",
			"address", a.manage.where())
	}
	if !c.Auth.Enabled && !isLoopback(a.reloads.address) {
		a.log.Warn("authentication is off, and the gateway listens beyond this machine: everybody who reaches it is admin",
			"address", a.reloads.address)
	}
}

// isLoopback reports whether only this machine reaches an address.
func isLoopback(address string) bool {
	a, err := netip.ParseAddrPort(address)
	return err == nil && a.Addr().IsLoopback()
}
