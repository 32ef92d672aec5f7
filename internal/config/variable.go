package config

import (
	"slices"
	"strings"
)

// springPrefixes begin the names of variables that a Spring application reads, and
// that mean nothing here.
var springPrefixes = []string{
	"SPRING_", "MANAGEMENT_ENDPOINT", "MANAGEMENT_SERVER_", "LOGGING_LEVEL_", "LOGGING_FILE_", "LOGGING_PATTERN_",
	"SERVER_SERVLET_", "SERVER_SSL_", "SERVER_TOMCAT_", "SERVER_NETTY_", "JAVA_OPTS",
}

// variables warns of variables that a Spring application would read, and that are set
// and not read here: those of a setting, whatever the files say, and those of Spring
// itself.
func (w warning) variables(o Options, read map[string]bool) {
	settings := w.settingsByVariable()
	for _, name := range slices.Sorted(slices.Values(o.environment())) {
		value, _ := o.Env(name)
		keys, isSetting := settings[bare(name)]
		switch {
		case read[name] || slices.Contains(profileVariables, name) || value == "" || strings.HasPrefix(value, "tcp://"): // Kubernetes sets these for its services
		case isSetting:
			w.report.add(w.root.nearest(keys...), w.root.pathOf(keys), "", mistake{
				"is not taken from the environment variable " + name + ", which is set", "write ${" + name + "} as its value, or unset the variable",
			})
		case slices.ContainsFunc(springPrefixes, func(p string) bool { return strings.HasPrefix(name, p) }):
			w.report.add(position{file: o.Dir}, "", "", mistake{
				"the environment variable " + name + " is set, and not read", "unset it: of Spring's variables only SPRING_PROFILES_ACTIVE is understood",
			})
		}
	}
}

// settingsByVariable returns the settings that can be written, by the bare names of
// the variables that Spring would take them from.
func (w warning) settingsByVariable() map[string][]string {
	c := *w.Config
	c.Auth.APIKeys = nil // lists are taken from no variable
	if c.Redis == nil {
		c.Redis = defaultRedis()
	}
	settings := map[string][]string{bare("SERVER_PORT"): {"server", "port"}}
	eachLeaf(c.schema().encode(), nil, func(keys []string, _ *node) {
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

// eachLeaf visits the values below n that are no map, with their keys. visit must not
// keep keys.
func eachLeaf(n *node, keys []string, visit func(keys []string, n *node)) {
	for _, e := range n.fields {
		below := append(keys, e.key)
		if e.value.kind == mapKind {
			eachLeaf(e.value, below, visit)
		} else {
			visit(below, e.value)
		}
	}
}

// environment returns the names of the variables that are set.
func (o Options) environment() []string {
	var names []string
	for _, v := range o.Environ() {
		name, _, _ := strings.Cut(v, "=")
		names = append(names, name)
	}
	return names
}
