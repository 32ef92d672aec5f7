package jwt

import (
	"errors"
	"strconv"
	"strings"
)

// Pointer says where something stands in the claims of a token (RFC 6901). The zero value
// points at all of them, and is none.
type Pointer struct{ tokens []string }

// pointerDepthMax is how many steps a pointer has at most.
const pointerDepthMax = 8

// ParsePointer reads a pointer such as /sub or /resource_access/gateway/roles. In names, ~1 is a
// slash and ~0 a tilde.
func ParsePointer(s string) (Pointer, error) {
	if !strings.HasPrefix(s, "/") || s == "/" {
		return Pointer{}, errors.New("is no JSON pointer to a claim")
	}
	p := Pointer{strings.Split(s[1:], "/")}
	if len(p.tokens) > pointerDepthMax {
		return Pointer{}, errors.New("has too many steps")
	}
	for i, t := range p.tokens {
		if strings.Contains(strings.NewReplacer("~0", "", "~1", "").Replace(t), "~") {
			return Pointer{}, errors.New("has a tilde that is neither ~0 nor ~1")
		}
		p.tokens[i] = strings.NewReplacer("~1", "/", "~0", "~").Replace(t)
	}
	return p, nil
}

// String returns the pointer as it is written.
func (p Pointer) String() string {
	var b strings.Builder
	for _, t := range p.tokens {
		b.WriteString("/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(t))
	}
	return b.String()
}

// IsZero reports whether the pointer is none.
func (p Pointer) IsZero() bool { return len(p.tokens) == 0 }

// in returns what stands there; nil where nothing does.
func (p Pointer) in(claims object) any {
	var value any = claims
	for _, t := range p.tokens {
		switch v := value.(type) {
		case object:
			value = v[t]
		case []any:
			i, err := strconv.Atoi(t)
			if err != nil || i < 0 || i >= len(v) || strconv.Itoa(i) != t {
				return nil
			}
			value = v[i]
		default:
			return nil
		}
	}
	return value
}
