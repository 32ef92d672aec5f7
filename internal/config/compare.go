package config

import (
	"maps"
	"reflect"
	"slices"
	"strings"
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

// Any reports whether there is a difference that takes effect at once.
func (c Changes) Any() bool { return c.Models.Any() || c.Keys.Any() || len(c.Settings) > 0 }

// Compare returns the configuration to go on with when the files that said
// running now say next, and how it differs from running. What cannot change
// while a gateway runs is as in running.
func Compare(running, next *Config) (*Config, Changes) {
	c := Changes{
		Models: names(running.models(), next.models()),
		Keys:   names(running.keys(), next.keys()),
	}
	if running.Profile != next.Profile {
		c.Settings = append(c.Settings, "profile")
	}
	for _, key := range differing("", running.schema().encode(), next.schema().encode()) {
		switch {
		case isAtStart(key):
			c.AtStart = append(c.AtStart, string(key))
		case !key.below(joined(serviceKeys)) && !key.below(joined(modelKeys)) && !key.below("auth.api-keys"):
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
		limits := name
		if s.ShareLimitsWith != "" {
			limits = s.ShareLimitsWith
		}
		all[name] = served{s, c.RateLimit.Models[limits]}
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

// differing returns the keys of the values that differ between two trees that
// one schema has printed; either may be nil. Lists differ as a whole.
func differing(at path, a, b *node) (keys []path) {
	if a == nil || b == nil || a.kind != mapKind || b.kind != mapKind {
		if !sameValue(a, b) {
			keys = append(keys, at)
		}
		return keys
	}
	for _, e := range a.fields {
		keys = append(keys, differing(at.key(e.key), e.value, b.get(e.key))...)
	}
	for _, e := range b.fields {
		if a.get(e.key) == nil {
			keys = append(keys, differing(at.key(e.key), nil, e.value)...)
		}
	}
	return keys
}

func sameValue(a, b *node) bool {
	if a == nil || b == nil || a.kind != b.kind {
		return a == b
	}
	switch a.kind {
	case listKind:
		return slices.EqualFunc(a.items, b.items, sameValue)
	case mapKind:
		return len(differing("", a, b)) == 0
	}
	return a.text == b.text && a.hidden == b.hidden
}

// below reports whether p is key or below it.
func (p path) below(key path) bool {
	rest, below := strings.CutPrefix(string(p), string(key))
	return below && (rest == "" || rest[0] == '.' || rest[0] == '[')
}
