package binding

import (
	"maps"
	"slices"
)

// Optional is a section whose absence means something: then its pointer stays as it is.
type Optional[T any] struct {
	To     **T
	Fresh  func() *T // a section with its defaults
	Schema func(*T) Target
}

// Decode binds the section to a fresh value.
func (o Optional[T]) Decode(r *Report, n *Node) {
	*o.To = o.Fresh()
	o.Schema(*o.To).Decode(r, n)
}

// Encode returns nil for a nil pointer.
func (o Optional[T]) Encode() *Node {
	if *o.To == nil {
		return nil
	}
	return o.Schema(*o.To).Encode()
}

// Entries is a map whose keys are names.
type Entries[T any] struct {
	To     *map[string]T
	Name   func(string) *Mistake // the rule of names
	Fresh  func(name string) T   // an entry with its defaults
	Schema func(*T) Target
}

// Decode adds an entry for every name. One that is null is left out.
func (m Entries[T]) Decode(r *Report, n *Node) {
	if n.Kind == EmptyKind || !r.Expect(n, MapKind) {
		return
	}
	for _, e := range n.Fields {
		if e.Value.Kind == NullKind {
			continue
		}
		if x := m.Name(e.Key); x != nil {
			r.AddKey(&e, "", x.Problem, x.Remedy)
			continue
		}
		v := m.Fresh(e.Key)
		m.Schema(&v).Decode(r, e.Value)
		(*m.To)[e.Key] = v
	}
}

// Encode sorts the names.
func (m Entries[T]) Encode() *Node {
	out := &Node{Kind: MapKind}
	for _, name := range slices.Sorted(maps.Keys(*m.To)) {
		v := (*m.To)[name]
		out.Set(Entry{Key: name, Value: m.Schema(&v).Encode()})
	}
	return out
}

// List is a list of single values, or of maps.
type List[T any] struct {
	To    *[]T
	Fresh func() T        // an item with its defaults; nil: the zero value
	Item  func(*T) Target // a Scalar, or the schema of a map
}

// Decode replaces the list. Items that are wrong keep their place in it.
func (l List[T]) Decode(r *Report, n *Node) {
	if n.Kind == EmptyKind || !r.Expect(n, ListKind) {
		return
	}
	*l.To = nil
	for _, item := range n.Items {
		var v T
		if l.Fresh != nil {
			v = l.Fresh()
		}
		to, want := l.Item(&v), MapKind
		if _, single := to.(Scalar); single {
			want = ScalarKind
		}
		if r.Expect(item, want) {
			to.Decode(r, item)
		}
		*l.To = append(*l.To, v)
	}
}

// Encode keeps the order.
func (l List[T]) Encode() *Node {
	out := &Node{Kind: ListKind}
	for _, v := range *l.To {
		out.Items = append(out.Items, l.Item(&v).Encode())
	}
	return out
}
