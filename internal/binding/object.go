package binding

import (
	"slices"
	"strings"
)

// Target is where a value goes to and comes from: a variable of the program. One goroutine uses it.
type Target interface {
	// Decode sets the variable from n, which is not null. Mistakes go to the report.
	Decode(r *Report, n *Node)
	// Encode returns the value as it is printed, with scalars in YAML and
	// secrets masked; nil where the key is to be left out.
	Encode() *Node
}

// Object is a map with known keys. They are decoded in its order.
type Object []Field

// Field is one key of a map. It is a literal type, so that tables can leave out its names.
type Field = struct {
	Key string
	Doc string // what it means, for a reference
	To  Target
}

// Instead stands for a key that is not known, but often written: it says what to write.
type Instead string

// Decode does nothing: the object has reported the key.
func (Instead) Decode(*Report, *Node) {}

// Encode leaves the key out.
func (Instead) Encode() *Node { return nil }

// Decode reads every key that n has. Keys that are not known are mistakes.
func (o Object) Decode(r *Report, n *Node) {
	if n.Kind == EmptyKind || !r.Expect(n, MapKind) {
		return
	}
	for _, e := range n.Fields {
		if !slices.Contains(o.Keys(), e.Key) {
			r.UnknownAtTop = r.UnknownAtTop || n.Path == ""
			r.AddKey(&e, "", "is not a known key", o.remedy(e.Key))
		}
	}
	for _, f := range o {
		if s, ok := f.To.(interface{ Start() }); ok { // also where its key is absent
			s.Start()
		}
		if v := n.Get(f.Key); v != nil && v.Kind != NullKind {
			f.To.Decode(r, v)
		}
	}
}

// Encode leaves out keys without a value, and returns nil where none has one.
func (o Object) Encode() *Node {
	out := &Node{Kind: MapKind}
	for _, f := range o {
		if v := f.To.Encode(); v != nil {
			out.Set(Entry{Key: f.Key, Value: v})
		}
	}
	if len(out.Fields) == 0 {
		return nil
	}
	return out
}

// Keys returns the keys that can be set.
func (o Object) Keys() (keys []string) {
	for _, f := range o {
		if _, is := f.To.(Instead); !is {
			keys = append(keys, f.Key)
		}
	}
	return keys
}

// remedy says what to write in place of a key that is not known.
func (o Object) remedy(key string) string {
	for _, f := range o {
		if other, is := f.To.(Instead); is && f.Key == key {
			return string(other)
		}
	}
	if strings.Contains(key, ".") {
		return InSteps(key)
	}
	keys := o.Keys()
	if near := Similar(key, keys); near != "" {
		return "did you mean " + near + "?"
	}
	return "remove it, or write " + Either(keys)
}

// InSteps returns the remedy for a key that is the path of several.
func InSteps(key string) string {
	keys := strings.Split(key, ".")
	return "write its parts below each other, as in " +
		strings.Join(keys, ": {") + ": ..." + strings.Repeat("}", len(keys)-1)
}
