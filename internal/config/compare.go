package config

import (
	"maps"
	"reflect"
	"slices"

	"github.com/token-rate-limiter/token-rate-limiter/internal/binding"
)

// Changes is how one configuration differs from another, by name: it holds no
// value of a setting, and so no secret.
type Changes struct {
	Models   Names    // by public name: services, limits, and what they inherit
	Keys     Names    // API keys, by their names
	Settings []string // other keys that differ
	AtStart  []string // keys that differ and take effect at the next start only
}

// Names are the names of what was added, removed and changed, sorted.
type Names struct{ Added, Removed, Changed []string }

// Any reports whether there is a name.
func (n Names) Any() bool { return len(n.Added)+len(n.Removed)+len(n.Changed) > 0 }

// Compare returns the configuration to go on with when the files that said running now say next,
// and how it differs from running. What cannot change while a gateway runs is as in running.
func Compare(running, next *Config) (*Config, Changes) {
	c := Changes{
		Models: names(running.models(), next.models()),
		Keys:   names(running.keys(), next.keys()),
	}
	if running.Profile != next.Profile {
		c.Settings = append(c.Settings, "profile")
	}
	byName := []binding.Path{servicePath, modelPath, "auth.api-keys"}
	for _, key := range binding.Differing("", running.schema().Encode(), next.schema().Encode()) {
		switch {
		case slices.ContainsFunc(atStart, key.Below):
			c.AtStart = append(c.AtStart, string(key))
		case !slices.ContainsFunc(byName, key.Below):
			c.Settings = append(c.Settings, string(key))
		}
	}
	effective := *next
	effective.keepAtStart(running)
	return &effective, c
}

// served is all that is configured of one model.
type served struct {
	service Service
	model   Model
}

func (c *Config) models() map[string]served {
	all := make(map[string]served, len(c.Services))
	for name, s := range c.Services {
		_, limits := c.LimitsOf(name)
		all[name] = served{s, limits}
	}
	return all
}

func (c *Config) keys() map[string]APIKey {
	all := make(map[string]APIKey, len(c.Auth.APIKeys))
	for _, k := range c.Auth.APIKeys {
		all[k.Name] = k
	}
	return all
}

// names compares two maps.
func names[T any](before, after map[string]T) (n Names) {
	for _, name := range slices.Sorted(maps.Keys(after)) {
		was, known := before[name]
		switch {
		case !known:
			n.Added = append(n.Added, name)
		case !reflect.DeepEqual(was, after[name]):
			n.Changed = append(n.Changed, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(before)) {
		if _, kept := after[name]; !kept {
			n.Removed = append(n.Removed, name)
		}
	}
	return n
}

// atStart is what cannot change while a gateway runs: these keys and all below them. The reference
// marks them.
var atStart = []binding.Path{
	"server",
	"management",
	"redis",
	"database",
	"token.rate-limit.store",
	"token.rate-limit.max-accounts",
	"logging.format",
	"logging.hash-users",
}

// keepAtStart gives c what running has of the settings that cannot change.
func (c *Config) keepAtStart(running *Config) {
	c.Server = running.Server
	c.Management = running.Management
	c.Redis = running.Redis
	c.Database = running.Database
	c.RateLimit.Store = running.RateLimit.Store
	c.RateLimit.MaxAccounts = running.RateLimit.MaxAccounts
	c.Logging.Format = running.Logging.Format
	c.Logging.HashUsers = running.Logging.HashUsers
}
