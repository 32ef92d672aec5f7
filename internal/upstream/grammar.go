package upstream

// The characters of HTTP's grammar, RFC 9110 section 5 and RFC 9112 section 3.

const (
	inName   = 1 << iota // tchar
	inValue              // field-vchar, obs-text, space and tab
	inPath               // visible ASCII but what ends a path
	inHost               // visible ASCII but what ends a host
	inMethod             // upper-case letters
)

var class = func() (t [256]byte) {
	for c := 0x20; c < 256; c++ {
		if c != 0x7f {
			t[c] |= inValue
		}
	}
	t['\t'] |= inValue
	for c := 0x21; c < 0x7f; c++ {
		t[c] |= inPath | inHost | inName
	}
	for c := 'A'; c <= 'Z'; c++ {
		t[c] |= inMethod
	}
	unset(&t, inName, "\"(),/:;<=>?@[\\]{}")
	unset(&t, inPath, "#")
	unset(&t, inHost, "/?#@\\\"<>%")
	return t
}()

func unset(t *[256]byte, bit byte, chars string) {
	for i := range len(chars) {
		t[chars[i]] &^= bit
	}
}

// span returns how many bytes at the beginning of s have the bit.
func span[T string | []byte](s T, bit byte) int {
	for i := range len(s) {
		if class[s[i]]&bit == 0 {
			return i
		}
	}
	return len(s)
}

func all[T string | []byte](s T, bit byte) bool { return span(s, bit) == len(s) }

func validMethod(s string) bool              { return s != "" && all(s, inMethod) }
func validName(s string) bool                { return s != "" && all(s, inName) }
func validValue[T string | []byte](s T) bool { return all(s, inValue) }
func validPath(s string) bool                { return s != "" && s[0] == '/' && all(s, inPath) }
func validHost(s string) bool                { return all(s, inHost) }

// trim removes the white space that may stand around a value.
func trim(s string) string {
	for s != "" && (s[0] == ' ' || s[0] == '\t') {
		s = s[1:]
	}
	for s != "" && (s[len(s)-1] == ' ' || s[len(s)-1] == '\t') {
		s = s[:len(s)-1]
	}
	return s
}

// equalFold compares with a word of lower-case letters. Unlike
// [strings.EqualFold] it takes no letter beyond ASCII for one of them.
func equalFold(s, lower string) bool {
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
