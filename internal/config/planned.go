package config

import (
	"slices"
	"strconv"
	"strings"

	"github.com/token-rate-limiter/token-rate-limiter/internal/binding"
)

// planned is a setting that is known, but not in this version. It is refused where it would change
// something: never ignored, so that nobody believes in a limit that does not hold.
type planned struct {
	path string // has the keys of the setting; * is any name
	// values are those that are refused; nil stands for every value but an
	// empty one, false and 0, and then the setting has no place in the schema.
	values  []string
	instead string // says what to do today
}

// plannedSettings is every such setting. Whoever builds one moves it to the schema.
var plannedSettings = []planned{
	{"redis.addresses", nil, "write redis.host and redis.port of one server"},
	{"redis.cluster", nil, "write redis.host and redis.port of one server"},
	{"redis.sentinel", nil, "write redis.host and redis.port of one server"},
	{"redis.mode", []string{"lease", "auto"}, "write strict"},
	{"spring.data.redis.cluster", nil, "write host and port of one server"},
	{"spring.data.redis.sentinel", nil, "write host and port of one server"},
	{"token.rate-limit.on-store-failure", failures, "write closed"},
	{"token.rate-limit.outage-reserve", nil, "remove it"},
	{"token.rate-limit.users", nil, "remove it: all users of a model have the same limits"},
	{"token.rate-limit.defaults.on-store-failure", failures, "write closed"},
	{"token.rate-limit.defaults.outage-reserve", nil, "remove it"},
	{"token.rate-limit.models.*.on-store-failure", failures, "write closed"},
	{"token.rate-limit.models.*.outage-reserve", nil, "remove it"},
}

// failures are the planned values of on-store-failure.
var failures = []string{"local", "open"}

// refusePlanned reports the settings of the tree that are not in this version
// and takes them out, so that the schema need not know them.
func refusePlanned(root *binding.Node, r *binding.Report) {
	for _, p := range plannedSettings {
		p.refuse(root, strings.Split(p.path, "."), r)
	}
}

// refuse does that with what keys lead to below n; * leads to every key of a map.
func (p planned) refuse(n *binding.Node, keys []string, r *binding.Report) {
	const problem = "is not in this version"
	for _, e := range slices.Clone(n.Fields) {
		switch {
		case keys[0] != "*" && keys[0] != e.Key:
		case len(keys) > 1:
			p.refuse(e.Value, keys[1:], r)
		case slices.Contains(p.values, e.Value.Text):
			r.AddAt(e.Value, binding.Quote(e.Value.Text), problem, p.instead)
			n.Drop(e.Key)
		case p.values == nil:
			if filled(e.Value) {
				r.AddKey(&e, "", problem, p.instead)
			}
			n.Drop(e.Key)
		}
	}
}

// filled reports whether a setting says anything. 0 says nothing, but a maximum in a map.
func filled(n *binding.Node) bool {
	if n.Kind == binding.MapKind {
		return slices.ContainsFunc(n.Fields, func(e binding.Entry) bool {
			return e.Value.Kind == binding.MapKind || said(e.Value)
		})
	}
	f, err := strconv.ParseFloat(n.Text, 64)
	return said(n) && (err != nil || f != 0)
}

func said(n *binding.Node) bool {
	return len(n.Items) > 0 || n.Text != "" && n.Text != "false"
}
