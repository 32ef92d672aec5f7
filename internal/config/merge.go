package config

// merge lays the tree over onto base and returns the result: maps merge
// deeply, lists and scalars replace. A map of which nothing is written (only
// the key, its lines commented out, say) changes nothing; null takes the value
// away.
func merge(base, over *node) *node {
	switch {
	case over.kind == emptyKind && base.kind == mapKind:
		return base
	case over.kind != mapKind || base.kind != mapKind:
		return over
	}
	out := &node{kind: mapKind, at: over.at}
	for _, e := range base.fields {
		out.set(e)
	}
	for _, e := range over.fields {
		if below := out.get(e.key); below != nil {
			e.value = merge(below, e.value)
		}
		out.set(e)
	}
	return out
}
