// Package httpsyntax has what HTTP/1.1 is written with (RFC 9110, section 5; RFC 9112, sections 3
// and 5), for whoever reads or writes it: the characters of its words, and fields. It is pure, and
// strict: it takes for valid what nobody could read in another way.
package httpsyntax

// Set is a set of bytes, or a union of such sets.
type Set byte

// The sets.
const (
	Name     Set = 1 << iota // of a field: tchar
	Value                    // of a field: visible characters, those beyond ASCII, space and tab
	Path                     // visible ASCII but what ends a path
	Host                     // visible ASCII but what ends a host
	Method                   // upper-case letters
	BarePath                 // a path's that mean themselves, and that nobody escapes
	BareHost                 // of names, addresses and ports
)

var sets = func() (t [256]Set) {
	for c := 0x20; c < 256; c++ {
		if c != 0x7f {
			t[c] |= Value
		}
	}
	t['\t'] |= Value
	for c := 0x21; c < 0x7f; c++ {
		t[c] |= Path | Host | Name
	}
	remove(&t, Name, "\"(),/:;<=>?@[\\]{}")
	remove(&t, Path, "#")
	remove(&t, Host, "/?#@\\\"<>%")
	addRange(&t, 'A', 'Z', Method|BarePath|BareHost)
	addRange(&t, 'a', 'z', BarePath|BareHost)
	addRange(&t, '0', '9', BarePath|BareHost)
	add(&t, BarePath, "-._~/:@")
	add(&t, BareHost, "-._:[]")
	return t
}()

func remove(t *[256]Set, s Set, chars string) {
	for i := range len(chars) {
		t[chars[i]] &^= s
	}
}

func add(t *[256]Set, s Set, chars string) {
	for i := range len(chars) {
		t[chars[i]] |= s
	}
}

func addRange(t *[256]Set, first, last byte, s Set) {
	for c := first; c <= last; c++ {
		t[c] |= s
	}
}

// Has reports whether a set has a byte.
func (s Set) Has(b byte) bool { return sets[b]&s != 0 }

// Span returns how many bytes at the beginning of text are of a set.
func Span[T string | []byte](text T, s Set) int {
	for i := range len(text) {
		if sets[text[i]]&s == 0 {
			return i
		}
	}
	return len(text)
}

// All reports whether all bytes of text are of a set; there may be none.
func All[T string | []byte](text T, s Set) bool { return Span(text, s) == len(text) }

// ValidMethod reports whether s is a method of upper-case letters.
func ValidMethod(s string) bool { return s != "" && All(s, Method) }

// ValidName reports whether s can be the name of a field.
func ValidName(s string) bool { return s != "" && All(s, Name) }

// ValidValue reports whether s can be the value of a field.
func ValidValue[T string | []byte](s T) bool { return All(s, Value) }

// ValidPath reports whether s is an absolute path, perhaps with a query.
func ValidPath(s string) bool { return s != "" && s[0] == '/' && All(s, Path) }

// ValidHost reports whether s can be a host, with or without a port.
func ValidHost(s string) bool { return All(s, Host) }

// CutField returns the field that s begins with, and what follows its last character that a value
// can have, which ought to be the end of the line. It reports false where s begins with none.
func CutField(s string) (name, value, after string, ok bool) {
	n := Span(s, Name)
	if n == 0 || n == len(s) || s[n] != ':' {
		return "", "", "", false
	}
	end := n + 1 + Span(s[n+1:], Value)
	return s[:n], Trim(s[n+1 : end]), s[end:], true
}

// Trim removes the white space that may stand around a value.
func Trim(s string) string {
	for s != "" && (s[0] == ' ' || s[0] == '\t') {
		s = s[1:]
	}
	for s != "" && (s[len(s)-1] == ' ' || s[len(s)-1] == '\t') {
		s = s[:len(s)-1]
	}
	return s
}

// EqualFold compares with a word of lower-case letters. Unlike
// [strings.EqualFold] it takes no letter beyond ASCII for one of them.
func EqualFold(s, lower string) bool {
	if len(s) != len(lower) {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}
