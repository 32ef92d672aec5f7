package config

import (
	"slices"
	"strconv"
	"strings"

	"github.com/token-rate-limiter/token-rate-limiter/internal/binding"
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
func refuseLater(root *binding.Node, r *binding.Report) {
	for _, l := range notYet {
		each(root, "", strings.Split(l.path, "."), func(parent *binding.Node, e binding.Entry, key binding.Path) {
			l.refuse(parent, e, key, r)
		})
	}
}

// each visits what the keys lead to; * leads to every key of a map.
func each(n *binding.Node, at binding.Path, keys []string, visit func(parent *binding.Node, e binding.Entry, key binding.Path)) {
	if n == nil || n.Kind != binding.MapKind {
		return
	}
	for _, e := range slices.Clone(n.Fields) {
		switch {
		case keys[0] != "*" && keys[0] != e.Key:
		case len(keys) == 1:
			visit(n, e, at.Key(e.Key))
		default:
			each(e.Value, at.Key(e.Key), keys[1:], visit)
		}
	}
}

func (l later) refuse(parent *binding.Node, e binding.Entry, key binding.Path, r *binding.Report) {
	m := binding.Wrong("is not in this version", l.instead)
	v := e.Value
	switch {
	case l.values != nil:
		if v.Kind == binding.ScalarKind && slices.Contains(l.values, v.Text) {
			r.Add(v.At, key, binding.Quote(v.Text), m.Problem, m.Remedy)
			parent.Drop(e.Key)
		}
	default:
		if filled(v) {
			r.Add(e.At, key, "", m.Problem, m.Remedy)
		}
		parent.Drop(e.Key)
	}
}

// filled reports whether a setting says anything. 0 says nothing, but inside a
// map it may: a maximum of 0 blocks.
func filled(n *binding.Node) bool {
	if n.Kind == binding.MapKind {
		return slices.ContainsFunc(n.Fields, func(e binding.Entry) bool { return e.Value.Kind == binding.MapKind || said(e.Value) })
	}
	f, err := strconv.ParseFloat(n.Text, 64)
	return said(n) && (err != nil || f != 0)
}

func said(n *binding.Node) bool {
	return len(n.Items) > 0 || n.Text != "" && n.Text != "false"
}
