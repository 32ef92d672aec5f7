package binding

import "strconv"

// Kind tells what a node of the tree is.
type Kind uint8

// The kinds.
const (
	EmptyKind  Kind = iota // nothing written after the key
	NullKind               // null or ~: the setting is left out on purpose
	ScalarKind             // text, also of numbers and booleans
	ListKind
	MapKind
	BrokenKind // a mistake was reported for it
)

// String names the kind as messages do.
func (k Kind) String() string {
	return [...]string{"nothing", "null", "a single value", "a list", "a map", "broken"}[k]
}

// Node is a value of a tree, free of the YAML library's types. A scalar is its text: targets
// give it a type. The zero value is nothing. A nil Node has no keys and was not given.
type Node struct {
	Kind   Kind
	At     Position
	Path   Path    // where people wrote it
	Text   string  // of a scalar that was read
	Items  []*Node // of a list
	Fields []Entry // of a map, in the order of the file

	source string         // a scalar's text before variables were filled in; "": it had none
	value  any            // of an encoded scalar: string, int64, float64 or bool
	hidden any            // of an encoded secret: its value, for comparisons
	index  map[string]int // of Fields, by key
}

// Entry is one key of a map.
type Entry struct {
	Key   string
	At    Position
	Value *Node
}

// Get returns the value of a key, or nil; nil too when n is not a map.
func (n *Node) Get(key string) *Node {
	if e := n.Entry(key); e != nil {
		return e.Value
	}
	return nil
}

// Entry returns a key with its value and place, or nil, as Get does. It is valid until n changes.
func (n *Node) Entry(key string) *Entry {
	if n == nil || n.Kind != MapKind {
		return nil
	}
	i, ok := n.index[key]
	if !ok {
		return nil
	}
	return &n.Fields[i]
}

// Find descends through maps, and through lists by the numbers of their items, from 0; nil
// where something is missing.
func (n *Node) Find(keys ...string) *Node {
	for _, k := range keys {
		if n == nil || n.Kind != ListKind {
			n = n.Get(k)
			continue
		}
		i, err := strconv.Atoi(k)
		if err != nil || i < 0 || i >= len(n.Items) {
			return nil
		}
		n = n.Items[i]
	}
	return n
}

// Nearest returns the place of the value under keys, or of the last key that is in the tree,
// and the path under which people wrote the value, or would write it.
func (n *Node) Nearest(keys ...string) (at Position, path Path) {
	at, path = n.At, n.Path
	for _, k := range keys {
		e := n.Entry(k)
		if e == nil {
			n, path = nil, path.Key(k)
			continue
		}
		n, at, path = e.Value, e.At, e.Value.Path
	}
	return at, path
}

// Set adds or replaces a key of a map.
func (n *Node) Set(e Entry) {
	if i, ok := n.index[e.Key]; ok {
		n.Fields[i] = e
		return
	}
	if n.index == nil {
		n.index = map[string]int{}
	}
	n.index[e.Key] = len(n.Fields)
	n.Fields = append(n.Fields, e)
}

// Drop removes a key of a map.
func (n *Node) Drop(key string) {
	i, ok := n.index[key]
	if !ok {
		return
	}
	n.Fields = append(n.Fields[:i:i], n.Fields[i+1:]...)
	delete(n.index, key)
	for j := i; j < len(n.Fields); j++ {
		n.index[n.Fields[j].Key] = j
	}
}

// Given reports whether a value was written, be it empty.
func (n *Node) Given() bool { return n != nil && n.Kind != NullKind && n.Kind != EmptyKind }

// Section returns the map under a key, made at a place if there is none; nil if it is no map.
func (n *Node) Section(key string, at Position) *Node {
	v := n.Get(key)
	if v.Given() && v.Kind != MapKind {
		return nil
	}
	if !v.Given() {
		v = &Node{Kind: MapKind, At: at, Path: n.Path.Key(key)}
		n.Set(Entry{Key: key, At: at, Value: v})
	}
	return v
}

// EachLeaf visits the values below n that are no map, with their keys, which visit must not keep.
func (n *Node) EachLeaf(keys []string, visit func(keys []string, n *Node)) {
	for _, e := range n.Fields {
		below := append(keys, e.Key)
		if e.Value.Kind == MapKind {
			e.Value.EachLeaf(below, visit)
		} else {
			visit(below, e.Value)
		}
	}
}

// locate gives n and what is below it their paths.
func (n *Node) locate(at Path) {
	n.Path = at
	for i, item := range n.Items {
		item.locate(at.Item(i))
	}
	for _, e := range n.Fields {
		e.Value.locate(at.Key(e.Key))
	}
}

// Merge lays the tree over onto base and returns the result: maps merge deeply, lists and scalars
// replace. A map of which nothing is written (only the key, its lines commented out, say) changes
// nothing; null takes the value away.
func Merge(base, over *Node) *Node {
	switch {
	case over.Kind == EmptyKind && base.Kind == MapKind:
		return base
	case over.Kind != MapKind || base.Kind != MapKind:
		return over
	}
	out := &Node{Kind: MapKind, At: over.At, Path: over.Path}
	for _, e := range base.Fields {
		out.Set(e)
	}
	for _, e := range over.Fields {
		if below := out.Get(e.Key); below != nil {
			e.Value = Merge(below, e.Value)
		}
		out.Set(e)
	}
	return out
}
