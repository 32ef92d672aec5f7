package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// object is a map with known keys.
type object []field

// starter is a target that must act before it is decoded, and also when its
// key is absent.
type starter interface{ start() }

func (o object) decode(r *report, key path, n *node) {
	if n.kind == emptyKind || !expect(r, key, n, mapKind) {
		return
	}
	for _, e := range n.fields {
		if !slices.Contains(o.keys(), e.key) {
			r.unknownAtTop = r.unknownAtTop || key == ""
			r.add(e.at, key.key(e.key), "", mistake{"is not a known key", o.remedy(e.key)})
		}
	}
	for _, f := range o {
		if s, ok := f.to.(starter); ok {
			s.start()
		}
		if v := n.get(f.key); v != nil && v.kind != nullKind {
			f.to.decode(r, v.path(key.key(f.key)), v)
		}
	}
}

// keys returns the keys that can be set.
func (o object) keys() (keys []string) {
	for _, f := range o {
		if _, mistaken := f.to.(instead); !mistaken {
			keys = append(keys, f.key)
		}
	}
	return keys
}

// remedy says what to write in place of a key that is not known.
func (o object) remedy(key string) string {
	for _, f := range o {
		if other, mistaken := f.to.(instead); mistaken && f.key == key {
			return string(other)
		}
	}
	if strings.Contains(key, ".") {
		return inSteps(key)
	}
	keys := o.keys()
	if len(keys) == 0 {
		return "nothing can be set here in this version"
	}
	if near := similar(key, keys); near != "" {
		return "did you mean " + near + "?"
	}
	return "remove it, or write " + either(keys)
}

// inSteps says how to write a key that is the path of several, as in Spring's files.
func inSteps(key string) string {
	keys := strings.Split(key, ".")
	return "write its parts below each other, as in " + strings.Join(keys, ": {") + ": ..." + strings.Repeat("}", len(keys)-1)
}

// instead stands in an object for a key that is not known, but often written, and
// says what is known for it.
type instead string

func (instead) decode(*report, path, *node) {} // the object has reported it
func (instead) encode() *node               { return nil }

// encode leaves a section out that has nothing to print.
func (o object) encode() *node {
	out := &node{kind: mapKind}
	for _, f := range o {
		if v := f.to.encode(); v != nil {
			out.set(entry{key: f.key, value: v})
		}
	}
	if len(out.fields) == 0 {
		return nil
	}
	return out
}

// optional is a section whose absence means something.
type optional[T any] struct {
	to     **T
	fresh  func() *T
	schema func(*T) target
}

func (o optional[T]) decode(r *report, key path, n *node) {
	*o.to = o.fresh()
	o.schema(*o.to).decode(r, key, n)
}

func (o optional[T]) encode() *node {
	if *o.to == nil {
		return nil
	}
	return o.schema(*o.to).encode()
}

// entries is a map whose keys are the names of models, which may hold any
// characters.
type entries[T any] struct {
	to     *map[string]T
	fresh  func(name string) T
	schema func(*T) target
}

func (m entries[T]) decode(r *report, key path, n *node) {
	if n.kind == emptyKind || !expect(r, key, n, mapKind) {
		return
	}
	for _, e := range n.fields {
		if e.value.kind == nullKind {
			continue
		}
		if x := modelName(e.key); x != nil {
			r.add(e.at, key.key(e.key), "", *x)
			continue
		}
		v := m.fresh(e.key)
		m.schema(&v).decode(r, key.key(e.key), e.value)
		(*m.to)[e.key] = v
	}
}

func (m entries[T]) encode() *node {
	out := &node{kind: mapKind}
	for _, name := range slices.Sorted(maps.Keys(*m.to)) {
		v := (*m.to)[name]
		out.set(entry{key: name, value: m.schema(&v).encode()})
	}
	return out
}

// records is a list of maps.
type records[T any] struct {
	to     *[]T
	fresh  func() T
	schema func(*T) target
}

func (l records[T]) decode(r *report, key path, n *node) {
	if n.kind == emptyKind || !expect(r, key, n, listKind) {
		return
	}
	*l.to = nil
	for i, item := range n.items {
		v := l.fresh()
		if k := key.item(i); expect(r, k, item, mapKind) {
			l.schema(&v).decode(r, k, item)
		}
		*l.to = append(*l.to, v)
	}
}

func (l records[T]) encode() *node {
	out := &node{kind: listKind}
	for _, v := range *l.to {
		out.items = append(out.items, l.schema(&v).encode())
	}
	return out
}

// texts is a list of scalars.
type texts[T any] struct {
	to   *[]T
	item func(*T) scalar
}

func (l texts[T]) decode(r *report, key path, n *node) {
	if n.kind == emptyKind || !expect(r, key, n, listKind) {
		return
	}
	*l.to = nil
	for i, item := range n.items {
		var v T
		if k := key.item(i); expect(r, k, item, scalarKind) {
			l.item(&v).decode(r, k, item)
		}
		*l.to = append(*l.to, v)
	}
}

func (l texts[T]) encode() *node {
	out := &node{kind: listKind}
	for _, v := range *l.to {
		out.items = append(out.items, l.item(&v).encode())
	}
	return out
}

// inherited is the section token.rate-limit.defaults, whose settings begin as
// those of token.rate-limit.
type inherited struct {
	to   *Model
	from *Settings
}

func (i inherited) start()                              { i.to.Settings = *i.from }
func (i inherited) decode(r *report, key path, n *node) { i.to.schema().decode(r, key, n) }
func (i inherited) encode() *node                       { return i.to.schema().encode() }

// shortForm is a service that may be written as its only address.
type shortForm struct {
	list *[]Endpoint
	long object
}

func (s shortForm) decode(r *report, key path, n *node) {
	switch n.kind {
	case scalarKind:
	case listKind:
		r.add(n.at, key, "", mistake{"is a list where an address or the settings of a model are expected",
			"write endpoints: before the list, as in endpoints: [http://a:8000, http://b:8000]"})
		texts[Endpoint]{s.list, endpoint}.decode(r, key, n)
		return
	default:
		s.long.decode(r, key, n)
		return
	}
	var e Endpoint
	endpoint(&e).decode(r, key, n)
	*s.list = []Endpoint{e}
}

func (s shortForm) encode() *node { return s.long.encode() }

// expect reports a value of another kind than is wanted.
func expect(r *report, key path, n *node, want kind) bool {
	if n.kind == want || n.kind == brokenKind {
		return n.kind == want
	}
	m := mistake{fmt.Sprintf("is %s where %s is expected", n.kind, want), shapes[want]}
	if want == mapKind && n.kind == scalarKind && strings.Contains(n.text, ":") {
		m.remedy = "write a space behind each colon"
	}
	r.add(n.at, key, "", m)
	return false
}

var shapes = map[kind]string{
	scalarKind: "write the value behind the colon",
	listKind:   "write [a, b], or a line with - for each",
	mapKind:    "write its keys in lines of their own, further to the right",
}

// path returns where people wrote the value.
func (n *node) path(key path) path {
	if n.moved != "" {
		return n.moved
	}
	return key
}

// item returns the path of an element of the list p.
func (p path) item(i int) path { return p + path(fmt.Sprintf("[%d]", i)) }

// cut shortens what is shown of a long value.
func cut(s string) string {
	const most = 80
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "..."
}
