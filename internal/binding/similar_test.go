package binding

import (
	"strings"
	"testing"
)

func TestSimilar(t *testing.T) {
	words := []string{"host", "port", "password", "max-debt", "max-accounts", "b"}
	for word, want := range map[string]string{
		"prot": "port", "hots": "host", "Port": "port", "passwd": "password", "maxdebt": "max-debt", "max_debt": "max-debt",
		"pass": "password", "hostname": "host", "ports": "port",
		"B": "b",
		"":  "", "a": "", "x": "", "po": "", "max": "", "timeout": "", "pa55w0rt": "", strings.Repeat("host", 1000): "host",
	} {
		if got := Similar(word, words); got != want {
			t.Errorf("similar to %.20q is %q, want %q", word, got, want)
		}
	}
	if got := Similar("x", nil); got != "" {
		t.Errorf("similar of none is %q", got)
	}
}

func TestDistance(t *testing.T) {
	for _, x := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"", "ab", 2}, {"ab", "", 2}, {"kitten", "sitting", 3}, {"flaw", "lawn", 2},
		{"ab", "ba", 1}, {"prot", "port", 1}, {"ca", "abc", 3}, {"abcd", "badc", 2},
		{strings.Repeat("a", 1<<20), "a", comparedBytes - 1},
	} {
		if got := distance(x.a, x.b); got != x.want {
			t.Errorf("from %.10q to %q are %d changes, want %d", x.a, x.b, got, x.want)
		}
	}
}
