package control

import (
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
	// Read returns what the source wants now. It is called by one goroutine at a time, often,
	// and should cost little where nothing has changed. With an error the Layer has a Version
	// at most, of what could not be understood.
	Read(ctx context.Context) (Layer, error)
	// Watch calls changed whenever Read may return something else. It returns when ctx ends.
	Watch(ctx context.Context, changed func())
}

// Layer is what one source wants. It must not be changed once Read has returned it.
type Layer struct {
	// Version tells one content of the source from another; "" is none.
	Version string
	// Config is what all other layers are laid over. Exactly one source has it.
	Config *config.Config
	// Keys are accepted beside those of other sources. Names and hashes are unique over all.
	Keys []config.APIKey
	// Limits take the place of the models' limits in Config, by public name. A model that is
	// not served, or that shares another's limits, has none.
	Limits map[string]config.Model
}

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
	version string // of what was read last, be it right or not
	failed  string // what was wrong with that; "" for nothing
	unread  bool   // it could not be read, for a reason that is not its own
	// doubted is the version of what was wrong when it was read first: it may have been half
	// written.
	doubted string
}

// merge lays the layers over the one that has a Config.
func merge(layers []Layer) (*config.Config, error) {
	var base *config.Config
	for _, p := range layers {
		if p.Config != nil {
			base = p.Config
		}
	}
	c := *base
	c.Auth.APIKeys = slices.Clip(c.Auth.APIKeys)
	c.RateLimit.Models = maps.Clone(c.RateLimit.Models)
	for _, p := range layers {
		c.Auth.APIKeys = append(c.Auth.APIKeys, p.Keys...)
		for name, limits := range p.Limits {
			if _, own := c.RateLimit.Models[name]; !own {
				return nil, fmt.Errorf("the model %q has no limits of its own: name one that is "+
					"served and shares no other's limits", name)
			}
			c.RateLimit.Models[name] = limits
		}
	}
	return &c, uniqueNames(c.Auth.APIKeys)
}

// from returns err with the name of the source that it is about. Errors of files have places.
func from(s Source, err error) error {
	if _, files := s.(*Files); files || s == nil {
		return err
	}
	return fmt.Errorf("the source %s: %w", s.Name(), err)
}

// uniqueNames returns an error where two keys have one name: changes are told by names.
func uniqueNames(keys []config.APIKey) error {
	seen := make(map[string]bool, len(keys))
	for _, k := range keys {
		if seen[k.Name] {
			return fmt.Errorf("two API keys have the name %q: give each its own", k.Name)
		}
		seen[k.Name] = true
	}
	return nil
}
