package httpsyntax_test

import (
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/internal/httpsyntax"
)

func TestCutField(t *testing.T) {
	for in, want := range map[string]struct {
		name, value, after string
		ok                 bool
	}{
		"A:b\r\n":             {"A", "b", "\r\n", true},
		"X-A: \t b c\t \r\nD": {"X-A", "b c", "\r\nD", true},
		"A:\r\n":              {"A", "", "\r\n", true},
		"A: 한국\x80":           {"A", "한국\x80", "", true},
		"A: b\x00c\r\n":       {"A", "b", "\x00c\r\n", true},
		"A: b\x7f":            {"A", "b", "\x7f", true},
		"":                    {},
		"A":                   {},
		"A :b":                {},
		":b":                  {},
		"한: b":                {},
		" A: folded\r\n":      {},
		"A(comment): b\r\n":   {},
	} {
		name, value, after, ok := httpsyntax.CutField(in)
		if name != want.name || value != want.value || after != want.after || ok != want.ok {
			t.Errorf("%q: got %q %q %q %t", in, name, value, after, ok)
		}
	}
}

// TestSets tries every byte in every set.
func TestSets(t *testing.T) {
	const letters = "abcdefghijklmnopqrstuvwxyz"
	const upper = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	const digits = "0123456789"
	for set, want := range map[httpsyntax.Set]string{
		httpsyntax.Name:     letters + upper + digits + "!#$%&'*+-.^_`|~",
		httpsyntax.Path:     letters + upper + digits + "!\"$%&'()*+,-./:;<=>?@[\\]^_`{|}~",
		httpsyntax.Host:     letters + upper + digits + "!$&'()*+,-.:;=[]^_`{|}~",
		httpsyntax.Method:   upper,
		httpsyntax.BarePath: letters + upper + digits + "-._~/:@",
		httpsyntax.BareHost: letters + upper + digits + "-._:[]",
	} {
		has := map[byte]bool{}
		for i := range len(want) {
			has[want[i]] = true
		}
		for b := range 256 {
			if got := set.Has(byte(b)); got != has[byte(b)] {
				t.Errorf("set %b: %q is in it: %t", set, byte(b), got)
			}
		}
	}
	for b := range 256 {
		if want := b == '\t' || b >= ' ' && b != 0x7f; httpsyntax.Value.Has(byte(b)) != want {
			t.Errorf("%q can be in a value: %t", byte(b), !want)
		}
	}
}

func TestEqualFold(t *testing.T) {
	for _, s := range []string{"close", "CLOSE", "cLoSe"} {
		if !httpsyntax.EqualFold(s, "close") {
			t.Errorf("%q is close", s)
		}
	}
	for _, s := range []string{"", "clos", "closed", "cloſe", "clo\u017fe"} {
		if httpsyntax.EqualFold(s, "close") {
			t.Errorf("%q is not close", s)
		}
	}
}
