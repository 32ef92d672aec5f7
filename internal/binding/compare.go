package binding

import "slices"

// Differing compares two trees that one target has encoded, and returns the paths of the values
// that differ. at is the path of both trees; either may be nil. Lists differ as a whole.
func Differing(at Path, a, b *Node) (keys []Path) {
	if a == nil || b == nil || a.Kind != MapKind || b.Kind != MapKind {
		if !sameValue(a, b) {
			keys = append(keys, at)
		}
		return keys
	}
	for _, e := range a.Fields {
		keys = append(keys, Differing(at.Key(e.Key), e.Value, b.Get(e.Key))...)
	}
	for _, e := range b.Fields {
		if a.Get(e.Key) == nil {
			keys = append(keys, Differing(at.Key(e.Key), nil, e.Value)...)
		}
	}
	return keys
}

func sameValue(a, b *Node) bool {
	if a == nil || b == nil || a.Kind != b.Kind {
		return a == b
	}
	switch a.Kind {
	case ListKind:
		return slices.EqualFunc(a.Items, b.Items, sameValue)
	case MapKind:
		return len(Differing("", a, b)) == 0
	}
	return a.value == b.value && a.hidden == b.hidden
}
