package openai

// openNamesMax is how many names are remembered at once. Requests have some 20 in
// the objects that are open at the same time, but for those with long tables or
// schemas. It bounds what a name costs, which is compared with those of its object.
const openNamesMax = 64

// openNames finds a name that an object has twice. It remembers the names of the
// objects that a cursor is in, and is for ordinary bodies: where a name has escapes, or
// there are too many to remember, it is unsure, and leaves the body to the decoder.
//
// The zero value is for the beginning of a text.
type openNames struct {
	at     [openNamesMax]extent // before those of each object: where those around it begin
	n      int
	first  int // of the innermost object
	unsure bool
}

// reset makes o as new.
func (o *openNames) reset() { o.n, o.first, o.unsure = 0, 0, false }

// enter begins an object.
func (o *openNames) enter() {
	o.push(extent{end: o.first})
	o.first = o.n
}

// leave ends the innermost object.
func (o *openNames) leave() {
	if !o.unsure {
		o.n = o.first - 1
		o.first = o.at[o.n].end
	}
}

// add reports whether the innermost object may have the name at x in b, in its quotes,
// beside those before it.
func (o *openNames) add(b []byte, x extent, escaped bool) bool {
	if o.unsure = o.unsure || escaped; o.unsure {
		return true
	}
	for _, before := range o.at[o.first:o.n] {
		if before.len() == x.len() && string(before.of(b)) == string(x.of(b)) {
			return false
		}
	}
	o.push(x)
	return true
}

// push remembers an extent.
func (o *openNames) push(x extent) {
	if o.unsure = o.unsure || o.n == len(o.at); !o.unsure {
		o.at[o.n] = x
		o.n++
	}
}
