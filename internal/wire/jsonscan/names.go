package jsonscan

// NamesMax is how many names are remembered at once. Requests ordinarily have some 20 in the
// objects that are open at the same time. It bounds the cost of a name, which is compared with
// those of its object.
const NamesMax = 64

// Names finds a name that an object has twice. It remembers the names of the objects that a cursor
// is in. It serves ordinary bodies: where a name has escapes, or there are more than NamesMax, it
// is unsure, and a decoder has to decide.
//
// The zero value is for the beginning of a text.
type Names struct {
	// Unsure is set where a name may be there twice that has not been found.
	Unsure bool

	list  [NamesMax]Extent // before those of each object: where those around it begin
	count int
	first int // of the innermost object
}

// Reset makes o as new.
func (o *Names) Reset() { o.count, o.first, o.Unsure = 0, 0, false }

// enter begins an object.
func (o *Names) enter() {
	o.push(Extent{End: o.first})
	o.first = o.count
}

// exit ends the innermost object.
func (o *Names) exit() {
	if !o.Unsure {
		o.count = o.first - 1
		o.first = o.list[o.count].End
	}
}

// add reports whether the innermost object may have the name at x in b, in its quotes, beside
// those before it.
func (o *Names) add(b []byte, x Extent, escaped bool) bool {
	if o.Unsure = o.Unsure || escaped; o.Unsure {
		return true
	}
	for _, before := range o.list[o.first:o.count] {
		if before.Len() == x.Len() && string(before.Of(b)) == string(x.Of(b)) {
			return false
		}
	}
	o.push(x)
	return true
}

// push remembers an extent.
func (o *Names) push(x Extent) {
	if o.Unsure = o.Unsure || o.count == len(o.list); !o.Unsure {
		o.list[o.count] = x
		o.count++
	}
}
