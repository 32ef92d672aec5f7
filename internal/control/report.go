package control

import (
	"cmp"
	"errors"
	"reflect"
	"slices"

	"github.com/token-rate-limiter/token-rate-limiter/internal/config"
)

// accepted says what a layer has changed, unless it is what the gateway has started with.
func (r *Reconciler) accepted(t *tracked, version string, d difference) {
	first := t.last.version == ""
	t.last = reading{version: cmp.Or(version, t.last.version)}
	if first && reflect.DeepEqual(d.Changes, config.Changes{}) {
		return
	}
	failed := func(t *tracked) bool { return t.last.failed != "" }
	r.o.Read(!slices.ContainsFunc(r.tracked, failed))
	r.news = true
	r.logChanges(t.source.Name(), d)
	r.o.Applied(d.Changes)
}

// refused says why a layer is not applied, if that is news: that a source is away is told once.
func (r *Reconciler) refused(t *tracked, version string, err error, why occasion) {
	was, away := t.last, version == ""
	t.last = reading{version: cmp.Or(version, was.version), failed: err.Error(), away: away}
	r.o.Read(false)
	if why == seen && !was.isFresh(version) && was.away == away && was.failed != "" &&
		(away || was.failed == t.last.failed) {
		return
	}
	r.news = true
	if err = from(t.source, err); away {
		r.o.Log.Error("a source of the configuration cannot be read; what it said before stands",
			"error", err)
		return
	}
	mistakes := []string{err.Error()}
	if list := (config.Errors)(nil); errors.As(err, &list) {
		mistakes = mistakes[:0]
		for _, m := range list {
			mistakes = append(mistakes, m.Error())
		}
	}
	r.o.Log.Error("the configuration is wrong and not applied; "+
		"the gateway goes on with the one before", "mistakes", mistakes)
}

// newWarnings returns those of next that were not there before, wherever they stand in the files.
func newWarnings(before, next config.Errors) (added []string) {
	for _, w := range next {
		same := func(b *config.Error) bool { return b.Path == w.Path && b.Problem == w.Problem }
		if !slices.ContainsFunc(before, same) {
			added = append(added, w.Error())
		}
	}
	return added
}

// namesMax is how many names of a kind a line has.
const namesMax = 50

// logChanges says what a layer has changed, what it could not, and what is probably not meant.
func (r *Reconciler) logChanges(source string, d difference) {
	var attrs []any
	list := func(what string, names []string) {
		if len(names) > 0 {
			attrs = append(attrs, what, names[:min(len(names), namesMax)])
		}
		if more := len(names) - namesMax; more > 0 {
			attrs = append(attrs, what+"-more", more)
		}
	}
	names := func(what string, n config.Names) {
		list(what+"-added", n.Added)
		list(what+"-removed", n.Removed)
		list(what+"-changed", n.Changed)
	}
	names("models", d.Models)
	names("keys", d.Keys)
	list("settings-changed", d.Settings)
	attrs = append(attrs, "source", source, "revision", r.State().Revision)
	if len(d.warnings) > 0 {
		r.o.Log.Warn("the configuration is applied, "+
			"but some settings are probably not what is meant",
			append(attrs, "warnings", d.warnings)...)
	} else {
		r.o.Log.Info("the configuration is applied", attrs...)
	}
	if len(d.AtStart) > 0 {
		r.o.Log.Warn("these settings have changed and take effect at the next start",
			"settings", d.AtStart)
	}
}
