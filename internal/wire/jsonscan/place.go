package jsonscan

// Extent is the bytes of a text from start up to, not including, end. The zero value is none; the
// values that it is used for never begin at 0.
type Extent struct{ Start, End int }

// IsSet reports whether x is a place at all.
func (x Extent) IsSet() bool { return x.End > 0 }

// Len returns how many bytes there are.
func (x Extent) Len() int { return x.End - x.Start }

// Of returns those bytes of the text b.
func (x Extent) Of(b []byte) []byte { return b[x.Start:x.End] }

// Space holds the characters that JSON takes for white space.
const Space = " \t\r\n"

// IsSpace reports whether b is one of them.
func IsSpace(b byte) bool { return b == ' ' || b == '\t' || b == '\n' || b == '\r' }

// SkipSpace returns the first place in b from i on that is no white space.
func SkipSpace(b []byte, i int) int {
	i, _ = nextByte(b, i)
	return i
}

// Null is the JSON text of null; do not change it.
var Null = []byte("null")
