package registry

import (
	"regexp"
	"strings"
	"testing"
)

// secretPattern is what scanners look for.
var secretPattern = regexp.MustCompile(`^trl_[0-9A-Za-z]{49}$`)

// TestSecrets: each is new, has a form that scanners know, and every change of one letter is
// noticed.
func TestSecrets(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		s := NewSecret()
		if seen[s] || !secretPattern.MatchString(s) || len(s) != secretBytes || CheckSecret(s) != nil {
			t.Fatalf("%q is no new secret", s)
		}
		seen[s] = true
	}
	s := NewSecret()
	for i := len(SecretPrefix); i < len(s); i++ {
		for _, letter := range base62Letters + "-_ é" {
			wrong := s[:i] + string(letter) + s[i+1:]
			if got := CheckSecret(wrong); (got == nil) != (wrong == s) {
				t.Fatalf("%q, made of %q, is checked with %v", wrong, s, got)
			}
		}
		if CheckSecret(s[:i]) == nil {
			t.Errorf("%q, cut off after %d, is taken", s, i)
		}
	}
	for _, other := range []string{"", "sk-123", strings.Repeat("0", 64), "TRL_" + s[4:], " " + s} {
		if err := CheckSecret(other); err != nil {
			t.Errorf("%q, which was not made here, is refused: %v", other, err)
		}
	}
}
