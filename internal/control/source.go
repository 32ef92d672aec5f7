package control

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/token-rate-limiter/token-rate-limiter/internal/config"
)

// Source is where a layer of the desired state comes from.
type Source interface {
	// Name is for people, such as "database".
	Name() string
	// Read returns what the source wants now, and ends with ctx. It is called by one goroutine
	// at a time, often, and should cost little where nothing has changed. With an error the
	// Layer has a Version at most, of what could not be understood.
	Read(ctx context.Context) (Layer, error)
	// Watch calls changed whenever Read may return something else. It returns when ctx ends.
	Watch(ctx context.Context, changed func())
}

// Layer is what one source wants. It must not be changed once Read has returned it.
type Layer struct {
	Version string // tells one content of the source from another; "" is none
	// Config is what all other layers are laid over; nil: of every source but [Files].
	Config *config.Config
	// Keys are accepted beside those of other sources. Each has a name, a user and roles; names and
	// hashes are unique over all.
	Keys []config.APIKey
	// Limits take the place of the models' limits in Config, by public name. Those of a model
	// that has none of its own there, for it is not served or shares another's, only warn.
	Limits map[string]Limits

	source string // its name, for warnings
}

// Limits are what limits each user of a model, and the model over all its users. The zero value
// is none. How they are applied is for Config to say.
type Limits struct{ User, Total config.Limits }

// State is what is wanted of the gateway. It is immutable.
type State struct {
	Revision uint64
	Config   *config.Config
}

// Warnings says what of it is right and probably not meant, a text for each.
func (s State) Warnings() []string { return newWarnings(nil, s.Config.Warnings) }

// tracked is what is known of a source.
type tracked struct {
	source  Source // nil: it is not read again
	applied Layer  // as it is in the state
	last    reading
}

// reading is what was read last of a source.
type reading struct {
	version string // of the newest content, be it right or not
	failed  string // what was wrong; "" for nothing
	away    bool   // nothing was found, not even something wrong
	unread  bool   // it could not be read, for a reason that is not its own
	doubted string // the version of what is wrong and may be half written: it is read again
}

// isBehind reports whether what the source wants is not applied.
func (l *reading) isBehind() bool { return l.failed != "" || l.unread }

// isFresh reports whether a version was not read before.
func (l *reading) isFresh(version string) bool { return version != "" && version != l.version }

// doubts reports whether what is wrong with a version may be half written, as nobody has seen it.
func (l *reading) doubts(version string) bool {
	if version == l.doubted || l.failed != "" && !l.isFresh(version) {
		return false
	}
	l.doubted = version
	return true
}

// merge lays the layers, of which the first has a Config, over it.
func merge(layers []Layer) (*config.Config, error) {
	c := *layers[0].Config
	c.Auth.APIKeys = slices.Clip(c.Auth.APIKeys)
	c.RateLimit.Models = maps.Clone(c.RateLimit.Models)
	c.Warnings = slices.Clip(c.Warnings)
	for _, l := range layers {
		c.Auth.APIKeys = append(c.Auth.APIKeys, l.Keys...)
		for _, name := range slices.Sorted(maps.Keys(l.Limits)) {
			m, own := c.RateLimit.Models[name]
			if !own {
				c.Warnings = append(c.Warnings, &config.Error{
					File: l.source, Path: "token.rate-limit.models." + name,
					Problem: "has limits, and is not served, or shares another model's",
				})
				continue
			}
			m.User, m.Total = l.Limits[name].User, l.Limits[name].Total
			if err := cmp.Or(m.User.Check(), m.Total.Check()); err != nil {
				return nil, fmt.Errorf("the limits of the model %s: %w", name, err)
			}
			c.RateLimit.Models[name] = m
		}
	}
	return &c, checkKeys(c.Auth.APIKeys)
}

// from returns err with the name of the source that it is about. Errors of files have places.
func from(s Source, err error) error {
	if _, files := s.(*Files); files || s == nil {
		return err
	}
	return fmt.Errorf("the source %s: %w", s.Name(), err)
}

// checkKeys returns what is wrong with keys.
func checkKeys(keys []config.APIKey) error {
	seen := make(map[string]bool, len(keys))
	for _, k := range keys {
		if err := k.Check(); err != nil {
			return err
		}
		if seen[k.Name] {
			return fmt.Errorf("two API keys have the name %q: give each its own", k.Name)
		}
		seen[k.Name] = true
	}
	return nil
}
