package config

import (
	"fmt"
	"maps"
	"slices"

	"github.com/token-rate-limiter/token-rate-limiter/internal/binding"
	"github.com/token-rate-limiter/token-rate-limiter/internal/identity"
	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
)

// warnings returns what is right and probably not meant, in the order of the files'
// lines. It is asked of a Config without mistakes, before it is complete.
func (o Options) warnings(c *Config, root *binding.Node, asked map[string]bool) Errors {
	k := checking{c, &binding.Report{}, root, true}
	k.noKey()
	k.claims()
	k.unseenRoles()
	k.unserved()
	k.unlimited()
	k.windows()
	k.variables(o, asked)
	k.ignoredFiles(o)
	_ = k.Err() // sorts them
	return k.Mistakes
}

// noKey warns of a gateway that lets nobody in.
func (k checking) noKey() {
	if !k.Auth.Enabled || len(k.Auth.APIKeys) > 0 || len(k.Auth.JWT.Issuers) > 0 ||
		k.hasDatabase() {
		return
	}
	at, key := k.root.Nearest("auth", "api-keys")
	k.Add(at, key, "", "authentication is on and there is no API key, "+
		"so every request is answered with 401", "make a key with: openssl rand -hex 32; "+
		"hash it with: token-rate-limiter key hash; and list the hash here")
}

// unserved warns of keys whose models are none that is served.
func (k checking) unserved() {
	list := k.root.Find("auth", "api-keys")
	for i, a := range k.Auth.APIKeys {
		for j, pattern := range a.Models {
			reach, err := identity.NewReach([]string{pattern}, nil)
			if err != nil || slices.ContainsFunc(slices.Collect(maps.Keys(k.Services)),
				reach.AllowsModel) {
				continue
			}
			k.AddAt(list.Items[i].Get("models").Items[j], pattern, "is no model that is served",
				"write a public name of vllm.services, or a pattern of some")
		}
	}
}

// unlimited warns of served models that nothing limits.
func (k checking) unlimited() {
	for name, s := range k.Services {
		m, own := k.RateLimit.Models[name]
		if !own {
			m = k.RateLimit.Defaults
		}
		if m.User.Any() || m.Total.Any() || s.ShareLimitsWith != "" {
			continue
		}
		key := string(modelPath.Key(name))
		remedy := "write " + key + ", or token.rate-limit.defaults for all models without an entry"
		if own {
			remedy = "write a maximum such as max-tokens-per-minute in " + key
		}
		k.AddKey(k.root.Find(serviceKeys...).Entry(name), "", "has no limit", remedy)
	}
}

// windows warns of a maximum that a smaller one of a longer window makes meaningless.
func (k checking) windows() {
	section := k.root.Find("token", "rate-limit")
	k.model(k.RateLimit.Defaults, section.Get("defaults"))
	for _, name := range slices.Sorted(maps.Keys(k.RateLimit.Models)) {
		k.model(k.RateLimit.Models[name], section.Get("models").Get(name))
	}
}

func (k checking) model(m Model, section *binding.Node) {
	k.limits(m.User.Windows, section)
	k.limits(m.Total.Windows, section.Get("total"))
}

func (k checking) limits(list []limit.Limit, section *binding.Node) {
	for i, longer := range list {
		for _, shorter := range list[:i] {
			if shorter.Meter != longer.Meter || shorter.Window >= longer.Window ||
				shorter.Max <= longer.Max {
				continue
			}
			k.AddAt(section.Get(maximumKey(longer.Meter, longer.Window)), fmt.Sprint(longer.Max),
				fmt.Sprintf("is less than %s (%d), which nobody can use up then",
					maximumKey(shorter.Meter, shorter.Window), shorter.Max),
				"raise it, or lower the other")
			break
		}
	}
}

// ignoredFiles warns of files that look as if they were read.
func (k checking) ignoredFiles(o Options) {
	names := []string{baseFile}
	if k.Profile != "" {
		names = append(names, profileFile(k.Profile))
	}
	for _, name := range names {
		for _, other := range o.lookalikes(name) {
			k.Add(binding.Position{File: o.shown(other)}, "", "", "the file is not read",
				"move what it says to "+name+", or remove it")
		}
	}
}
