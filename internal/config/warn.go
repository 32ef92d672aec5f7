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
func (o Options) warnings(c *Config, root *binding.Node, asked map[string]bool) Errors {
	w := warning{c, &binding.Report{}, root}
	w.noKey()
	w.unlimited()
	w.windows()
	w.variables(o, asked)
	w.ignoredFiles(o)
	_ = w.Err() // sorts them
	return w.Mistakes
}

type warning struct {
	*Config
	*binding.Report
	root *binding.Node
}

// noKey warns of a gateway that lets nobody in.
func (w warning) noKey() {
	if !w.Auth.Enabled || len(w.Auth.APIKeys) > 0 {
		return
	}
	at, key := w.root.Nearest("auth", "api-keys")
	w.Add(at, key, "", "authentication is on and there is no API key, "+
		"so every request is answered with 401", "make a key with: openssl rand -hex 32; "+
		"hash it with: token-rate-limiter key hash; and list the hash here")
}

// unlimited warns of served models that nothing limits.
func (w warning) unlimited() {
	for name, s := range w.Services {
		m, own := w.RateLimit.Models[name]
		if !own {
			m = w.RateLimit.Defaults
		}
		if m.User.Any() || m.Total.Any() || s.ShareLimitsWith != "" {
			continue
		}
		key := string(modelPath.Key(name))
		remedy := "write " + key + ", or token.rate-limit.defaults for all models without an entry"
		if own {
			remedy = "write a maximum such as max-tokens-per-minute in " + key
		}
		w.AddKey(w.root.Find(serviceKeys...).Entry(name), "", "has no limit", remedy)
	}
}

// windows warns of a maximum that a smaller one of a longer window makes meaningless.
func (w warning) windows() {
	section := w.root.Find("token", "rate-limit")
	w.model(w.RateLimit.Defaults, section.Get("defaults"))
	for _, name := range slices.Sorted(maps.Keys(w.RateLimit.Models)) {
		w.model(w.RateLimit.Models[name], section.Get("models").Get(name))
	}
}

func (w warning) model(m Model, section *binding.Node) {
	w.limits(m.User.Windows, section)
	w.limits(m.Total.Windows, section.Get("total"))
}

func (w warning) limits(list []limit.Limit, section *binding.Node) {
	for i, longer := range list {
		for _, shorter := range list[:i] {
			if shorter.Meter != longer.Meter || shorter.Window >= longer.Window ||
				shorter.Max <= longer.Max {
				continue
			}
			w.AddAt(section.Get(maximumKey(longer.Meter, longer.Window)), fmt.Sprint(longer.Max),
				fmt.Sprintf("is less than %s (%d), which nobody can use up then",
					maximumKey(shorter.Meter, shorter.Window), shorter.Max),
				"raise it, or lower the other")
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
			w.Add(binding.Position{File: o.shown(other)}, "", "", "the file is not read",
				"move what it says to "+name+", or remove it")
		}
	}
}
