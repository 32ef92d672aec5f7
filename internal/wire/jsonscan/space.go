package jsonscan

// Space holds the characters that JSON takes for white space.
const Space = " \t\r\n"

// IsSpace reports whether b is one of them.
func IsSpace(b byte) bool { return b == ' ' || b == '\t' || b == '\n' || b == '\r' }

// SkipSpace returns the first place in b from i on that is no white space.
func SkipSpace(b []byte, i int) int {
	for i < len(b) && IsSpace(b[i]) {
		i++
	}
	return i
}

// Null is the JSON text of null; do not change it.
var Null = []byte("null")
