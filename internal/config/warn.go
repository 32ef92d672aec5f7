package config

import (
	"fmt"
	"maps"
	"slices"

	"github.com/token-rate-limiter/token-rate-limiter/internal/binding"
	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
)

// warnings returns what is right and probably not meant, in the order of the files'
// lines. It is asked of a Config without mistakes, before it is complete.
func (o Options) warnings(c *Config, root *binding.Node, read map[string]bool) binding.Errors {
	w := warning{c, root, &binding.Report{}}
	w.noKey()
	w.unlimited()
	w.windows()
	w.variables(o, read)
	w.ignoredFiles(o)
	_ = w.report.Err() // sorts them
	return w.report.Mistakes
}

type warning struct {
	*Config
	root   *binding.Node
	report *binding.Report
}

// noKey warns of a gateway that lets nobody in.
func (w warning) noKey() {
	if !w.Auth.Enabled || len(w.Auth.APIKeys) > 0 {
		return
	}
	w.report.Add(w.root.Nearest("auth", "api-keys"), "auth.api-keys", "", "authentication is on and there is no API key, so every request is answered with 401", "make a key with: openssl rand -hex 32; hash it with: token-rate-limiter key hash; and list the hash here")
}

// unlimited warns of served models that nothing limits.
func (w warning) unlimited() {
	for _, name := range slices.Sorted(maps.Keys(w.Services)) {
		m, own := w.RateLimit.Models[name]
		if !own {
			m = w.RateLimit.Defaults
		}
		if m.User.Any() || m.Total.Any() || w.Services[name].ShareLimitsWith != "" {
			continue
		}
		remedy := "write " + string(binding.PathOf(modelKeys).Key(name)) + ", or token.rate-limit.defaults for all models without an entry"
		if own {
			remedy = "write a maximum such as max-tokens-per-minute in " + string(binding.PathOf(modelKeys).Key(name))
		}
		key := binding.PathOf(serviceKeys).Key(name)
		w.report.Add(w.root.Find(serviceKeys...).Entry(name).At, key, "", "has no limit", remedy)
	}
}

// windows warns of a maximum that a smaller one of a longer window makes meaningless.
func (w warning) windows() {
	w.model(w.RateLimit.Defaults, "token", "rate-limit", "defaults")
	for _, name := range slices.Sorted(maps.Keys(w.RateLimit.Models)) {
		w.model(w.RateLimit.Models[name], slices.Concat(modelKeys, []string{name})...)
	}
}

func (w warning) model(m Model, section ...string) {
	w.limits(m.User.Windows, section)
	w.limits(m.Total.Windows, slices.Concat(section, []string{"total"}))
}

func (w warning) limits(list []limit.Limit, section []string) {
	for i, longer := range list {
		for _, shorter := range list[:i] {
			if shorter.Meter != longer.Meter || shorter.Window >= longer.Window || shorter.Max <= longer.Max {
				continue
			}
			key := maximumKey(longer.Meter, longer.Window)
			at := w.root.Find(section...).Get(key)
			w.report.Add(at.At, binding.PathOf(section).Key(key), fmt.Sprint(longer.Max), fmt.Sprintf("is less than %s (%d), which nobody can use up then", maximumKey(shorter.Meter, shorter.Window), shorter.Max), "raise it, or lower the other")
			break
		}
	}
}

// ignoredFiles warns of files that look as if they were read.
func (w warning) ignoredFiles(o Options) {
	names := []string{baseFile}
	if w.Profile != "" {
		names = append(names, profileFile(w.Profile))
	}
	for _, name := range names {
		for _, other := range o.lookalikes(name) {
			w.report.Add(binding.Position{File: o.shown(other)}, "", "", "the file is not read", "move what it says to "+name+", or remove it")
		}
	}
}
