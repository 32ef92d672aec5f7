package control

import (
	"errors"
	"slices"

	"github.com/token-rate-limiter/token-rate-limiter/internal/config"
)

// refused says why a layer is not applied, if that is news. That a source cannot be read is so
// once, whatever the reasons.
func (r *Reconciler) refused(p *tracked, err error, news bool) {
	news = news || p.failed == "" || p.failed != err.Error() && !p.away
	p.failed = err.Error()
	r.o.Read(false)
	if !news {
		return
	}
	r.news = true
	if p.away {
		r.o.Log.Error("a source of the configuration cannot be read; what it said before stands", "error", from(p.source, err))
	} else {
		r.logMistakes(from(p.source, err))
	}
}

// logMistakes says why a layer is not applied: everything that is wrong with it, on one line.
func (r *Reconciler) logMistakes(err error) {
	mistakes := []string{err.Error()}
	if list := (config.Errors)(nil); errors.As(err, &list) {
		mistakes = mistakes[:0]
		for _, m := range list {
			mistakes = append(mistakes, m.Error())
		}
	}
	r.o.Log.Error("the configuration is wrong and not applied; the gateway goes on with the one before", "mistakes", mistakes)
}

// newWarnings returns those of next that were not there before, wherever they stand in the files.
func newWarnings(before, next config.Errors) (added []string) {
	for _, w := range next {
		if !slices.ContainsFunc(before, func(b *config.Error) bool { return b.Path == w.Path && b.Problem == w.Problem }) {
			added = append(added, w.Error())
		}
	}
	return added
}

// namesMax is how many names of a kind a line has.
const namesMax = 50

// logChanges says what a layer has changed, what it could not, and what is probably not meant.
func (r *Reconciler) logChanges(p *tracked, c config.Changes, warnings []string) {
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
	attrs = append(attrs, "source", p.source.Name(), "revision", r.State().Revision)
	if len(warnings) > 0 {
		r.o.Log.Warn("the configuration is applied, but some settings are probably not what is meant", append(attrs, "warnings", warnings)...)
	} else {
		r.o.Log.Info("the configuration is applied", attrs...)
	}
	if len(c.AtStart) > 0 {
		r.o.Log.Warn("these settings have changed and take effect at the next start", "settings", c.AtStart)
	}
}
