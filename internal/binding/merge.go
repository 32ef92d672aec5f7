package binding

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
