package binding

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// Text binds a string that obeys every rule.
func Text[T ~string](to *T, rules ...func(string) *Mistake) Scalar {
	s := bound(to, "some text", func(s string) (T, *Mistake) {
		for _, rule := range rules {
			if m := rule(s); m != nil {
				return "", m
			}
		}
		return T(s), nil
	})
	s.Value = func() any { return string(*to) }
	return s
}

// NotEmpty is the rule of text that says something and can be shown.
func NotEmpty(s string) *Mistake {
	if s == "" {
		return Wrong("is empty", "")
	}
	return Printable(s)
}

// Printable is the rule of text without control characters.
func Printable(s string) *Mistake {
	if strings.ContainsFunc(s, unicode.IsControl) {
		return Wrong("holds a control character",
			"remove it; a newline may come from the end of a secret's file")
	}
	return nil
}

// AtMost returns the rule of text of so many bytes.
func AtMost(n int) func(string) *Mistake {
	return func(s string) *Mistake {
		if len(s) <= n {
			return nil
		}
		return Wrong(fmt.Sprintf("has %d bytes", len(s)), fmt.Sprintf("write at most %d", n))
	}
}

// OrEmpty lets "" pass, beside what the rule lets pass.
func OrEmpty(rule func(string) *Mistake) func(string) *Mistake {
	return func(s string) *Mistake {
		if s == "" {
			return nil
		}
		return rule(s)
	}
}

// Choice binds one of a few words.
func Choice[T ~string](to *T, words ...T) Scalar {
	list := make([]string, len(words))
	for i, w := range words {
		list[i] = string(w)
	}
	return Text(to, func(s string) *Mistake {
		if slices.Contains(list, s) {
			return nil
		}
		m := Wrong("is not a choice", "write "+Either(list))
		if near := Similar(s, list); near != "" && len(list) > 1 {
			m.Remedy += "; did you mean " + near + "?"
		}
		return m
	}).Wants(Either(list))
}

// Either joins words as in "a, b or c".
func Either(words []string) string {
	last := len(words) - 1
	if last < 1 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:last], ", ") + " or " + words[last]
}

// FileName binds the name of a file. What the file should hold may be a secret, and is not
// shown where it stands in place of the name.
func FileName(to *string) Scalar {
	s := Text(to, noContent, Printable).Wants("the name of a file")
	s.Show = func(v string) string {
		if noContent(v) != nil {
			return mask
		}
		return Shown(v)
	}
	return s
}

// contentForm is what a file in PEM holds, also without its frame or in base64: what stands
// in the frame is the base64 of an ASN.1 sequence, which begins with M.
var contentForm = regexp.MustCompile(
	`-----BEGIN|^(?:M[A-Za-z0-9+/= \r\n]{11}|LS0tLS1CRUdJ)[A-Za-z0-9+/= \r\n]{29,}$`)

func noContent(s string) *Mistake {
	if contentForm.MatchString(s) {
		return Wrong("is what a file holds", "write it into a file, and here the name of that file")
	}
	return nil
}

// Secret binds a string that is never shown.
func Secret(to *string) Scalar { return Masked(Text(to, Printable)) }

// Masked never shows or prints the text of s.
func Masked(s Scalar) Scalar {
	s.Show = func(string) string { return mask }
	s.secret = true
	return s
}

// Guarded is the text of an address, in whose place people write whole URLs with
// credentials: messages do not show those.
func Guarded(s Scalar) Scalar {
	s.Show = withoutCredentials
	return s
}

// withoutCredentials shows an address without the credentials and the query that
// it may hold, and nothing of one where it cannot be told which is which.
func withoutCredentials(s string) string {
	credentials, query := strings.LastIndex(s, "@"), strings.Index(s, "?")
	if query >= 0 && credentials > query {
		return Quote(mask)
	}
	if query >= 0 {
		s = s[:query] + "?" + mask
	}
	if credentials >= 0 {
		s = mask + s[credentials:]
	}
	return Shown(s)
}

// Network binds a network in CIDR notation; an address alone is a network of one.
func Network(to *netip.Prefix) Target {
	const want = "addresses or networks such as 10.0.0.0/8"
	return Guarded(bound(to, want, func(s string) (netip.Prefix, *Mistake) {
		if a, err := netip.ParseAddr(s); err == nil && a.Zone() == "" {
			return netip.PrefixFrom(a, a.BitLen()), nil
		}
		p, err := netip.ParsePrefix(s)
		if err != nil {
			return p, Wrong("is not a network",
				"write an address or a network, such as 10.0.0.7 or 10.0.0.0/8")
		}
		return p.Masked(), nil
	}))
}
