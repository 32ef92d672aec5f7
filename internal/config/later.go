package config

import (
	"slices"
	"strconv"
	"strings"
)

// later is a setting that is known, but not in this version. It is refused
// where it would change something: never ignored, so that nobody believes in
// a limit that does not hold.
type later struct {
	// path has the keys of the setting; * is any name.
	path string
	// values are those that are refused; nil stands for every value but an
	// empty one, false and 0, and then the setting has no place in the schema.
	values []string
	// instead says what to do today.
	instead string
}

// notYet is every such setting. Whoever builds one adds it to the schema and
// deletes its line here.
var notYet = []later{
	{path: "redis.addresses", instead: "write redis.host and redis.port of one server"},
	{path: "redis.cluster", instead: "write redis.host and redis.port of one server"},
	{path: "redis.sentinel", instead: "write redis.host and redis.port of one server"},
	{path: "redis.mode", values: []string{"lease", "auto"}, instead: "write strict"},
	{path: "spring.data.redis.cluster", instead: "write host and port of one server"},
	{path: "spring.data.redis.sentinel", instead: "write host and port of one server"},
	{path: "token.rate-limit.on-store-failure", values: []string{"local", "open"}, instead: "write closed"},
	{path: "token.rate-limit.outage-reserve", instead: "remove it"},
	{path: "token.rate-limit.users", instead: "remove it: all users of a model have the same limits"},
	{path: "token.rate-limit.defaults.on-store-failure", values: []string{"local", "open"}, instead: "write closed"},
	{path: "token.rate-limit.defaults.outage-reserve", instead: "remove it"},
	{path: "token.rate-limit.models.*.on-store-failure", values: []string{"local", "open"}, instead: "write closed"},
	{path: "token.rate-limit.models.*.outage-reserve", instead: "remove it"},
	{path: "auth.jwt", instead: "remove it, and use auth.api-keys"},
}

// refuseLater reports the settings of the tree that are not in this version
// and takes them out, so that the schema need not know them.
func refuseLater(root *node, r *report) {
	for _, l := range notYet {
		each(root, "", strings.Split(l.path, "."), func(parent *node, e entry, key path) {
			l.refuse(parent, e, key, r)
		})
	}
}

// each visits what the keys lead to; * leads to every key of a map.
func each(n *node, at path, keys []string, visit func(parent *node, e entry, key path)) {
	if n == nil || n.kind != mapKind {
		return
	}
	for _, e := range slices.Clone(n.fields) {
		switch {
		case keys[0] != "*" && keys[0] != e.key:
		case len(keys) == 1:
			visit(n, e, at.key(e.key))
		default:
			each(e.value, at.key(e.key), keys[1:], visit)
		}
	}
}

func (l later) refuse(parent *node, e entry, key path, r *report) {
	m := mistake{"is not in this version", l.instead}
	v := e.value
	switch {
	case l.values != nil:
		if v.kind == scalarKind && slices.Contains(l.values, v.text) {
			r.add(v.at, key, quote(v.text), m)
			parent.drop(e.key)
		}
	default:
		if v.filled() {
			r.add(e.at, key, "", m)
		}
		parent.drop(e.key)
	}
}

// filled reports whether a setting says anything. 0 says nothing, but inside a
// map it may: a maximum of 0 blocks.
func (n *node) filled() bool {
	if n.kind == mapKind {
		return slices.ContainsFunc(n.fields, func(e entry) bool { return e.value.kind == mapKind || e.value.said() })
	}
	f, err := strconv.ParseFloat(n.text, 64)
	return n.said() && (err != nil || f != 0)
}

func (n *node) said() bool {
	return len(n.items) > 0 || n.text != "" && n.text != "false"
}
