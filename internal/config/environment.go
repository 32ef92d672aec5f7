package config

import (
	"regexp"
	"slices"
	"strings"

	"github.com/token-rate-limiter/token-rate-limiter/internal/binding"
)

// springPrefixes begin the names of Spring's own variables, which mean nothing here.
var springPrefixes = []string{
	"SPRING_", "MANAGEMENT_ENDPOINT", "MANAGEMENT_SERVER_", "LOGGING_LEVEL_", "LOGGING_FILE_",
	"LOGGING_PATTERN_", "SERVER_SERVLET_", "SERVER_SSL_", "SERVER_TOMCAT_", "SERVER_NETTY_",
	"JAVA_OPTS",
}

// sectionPrefixes begin the names of variables that Spring would take a model's limits,
// model servers and keys from, which are written under names and in lists.
var sectionPrefixes = []string{
	"TOKEN_RATE_LIMIT_", "TOKEN_RATELIMIT_", "VLLM_SERVICES_", "AUTH_API_KEYS_", "AUTH_APIKEYS_",
}

// serviceLink is the form of the variables that Kubernetes sets for each of its services,
// and that nobody can unset one by one.
var serviceLink = regexp.MustCompile(`_SERVICE_HOST$|_SERVICE_PORT(_[A-Z0-9_]+)?$|` +
	`_PORT_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?$`)

// begins reports whether a name begins as one of the prefixes do, in Spring's other
// spellings too, such as spring.redis.host.
func begins(name string, prefixes []string) bool {
	name = strings.ToUpper(strings.NewReplacer(".", "_", "-", "_").Replace(name))
	return slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(name, p) })
}

// variables warns of variables that a Spring application would read, and that are set and not read
// here: those of a setting, whatever the files say, and those of Spring itself.
func (k checking) variables(o Options, asked map[string]bool) {
	settings := k.settingsByVariable()
	for _, v := range slices.Sorted(slices.Values(o.Environ())) {
		name, _, _ := strings.Cut(v, "=")
		value, _ := o.Env(name)
		keys, isSetting := settings[bare(name)]
		switch {
		case asked[name] || slices.Contains(profileVariables, name) || value == "":
		case serviceLink.MatchString(name) || strings.HasPrefix(value, "tcp://"): // of Kubernetes
		case isSetting:
			at, key := k.root.Nearest(keys...)
			k.Add(at, key, "", "is not taken from the environment variable "+name+", which is set",
				"write ${"+name+"} as its value, or unset the variable")
		case begins(name, sectionPrefixes):
			k.unread(o, name, "write ${"+name+"} as the value of a setting, or unset the variable")
		case begins(name, springPrefixes):
			k.unread(o, name,
				"unset it: of Spring's variables only SPRING_PROFILES_ACTIVE is understood")
		}
	}
}

func (k checking) unread(o Options, variable, remedy string) {
	k.Add(binding.Position{File: o.Dir}, "", "",
		"the environment variable "+variable+" is set, and not read", remedy)
}

// settingsByVariable returns the settings that can be written, by the bare names of
// the variables that Spring would take them from.
func (k checking) settingsByVariable() map[string][]string {
	c := *k.Config
	c.Auth.APIKeys = nil // lists are taken from no variable
	if c.Redis == nil {
		c.Redis = defaultRedis()
	}
	settings := map[string][]string{bare("SERVER_PORT"): {"server", "port"}}
	c.schema().Encode().EachLeaf(nil, func(keys []string, _ *binding.Node) {
		settings[bare(strings.Join(keys, "_"))] = slices.Clone(keys)
	})
	for from, to := range springAliases {
		if to != "" {
			settings[bare(from)] = strings.Split(to, ".")
		}
	}
	return settings
}

// bare returns a name as it is compared: without case, dots, dashes and underscores,
// which Spring's names of variables lack or write in more than one way.
func bare(name string) string {
	return strings.ToLower(strings.NewReplacer(".", "", "-", "", "_", "").Replace(name))
}
