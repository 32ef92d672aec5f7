package openai

import "unicode/utf8"

// plainNamesMax is how many names are remembered at once, of all the objects that
// one is in. Requests have some 20, but for those with long tables or schemas. It
// bounds what a name costs, which is compared with those before it.
const plainNamesMax = 64

// isPlain reports whether body is an ordinary one that validate accepts, for a fraction
// of what refusal takes. It says no to everything that is refused, and to what few
// bodies have: names with escapes, more than plainNamesMax of them, values that are
// nested more than nestingMax deep.
func isPlain(body []byte) bool {
	r := plainReader{jsonCursor: jsonCursor{b: body}}
	if r.peek() != '{' {
		return false
	}
	r.object()
	return r.end() && !r.lone && utf8.Valid(body)
}

// plainReader is a cursor that fails where an object may have a name twice.
type plainReader struct {
	jsonCursor
	names [plainNamesMax]extent // in their quotes, object by object of those that are open
	n     int
}

// value passes over one value.
func (r *plainReader) value() {
	switch r.peek() {
	case '{':
		r.object()
	case '[':
		r.open()
		for r.element() {
			r.value()
		}
	default:
		r.skip()
	}
}

// object passes over the object that stands here.
func (r *plainReader) object() {
	outer := r.n
	r.open()
	for name, ok := r.member(); ok; name, ok = r.member() {
		hasEscapes := len(name)+len(`""`) < r.name.end-r.name.start
		if hasEscapes || r.n == len(r.names) || r.twice(outer) {
			r.fail()
			return
		}
		r.names[r.n] = r.name
		r.n++
		r.value()
	}
	r.n = outer
}

// twice reports whether the last name is among those remembered from first on.
func (r *plainReader) twice(first int) bool {
	name := r.name.of(r.b)
	for _, before := range r.names[first:r.n] {
		if string(before.of(r.b)) == string(name) {
			return true
		}
	}
	return false
}
