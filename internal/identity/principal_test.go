package identity

import (
	"strings"
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
)

func TestCheckUser(t *testing.T) {
	for name, ok := range map[string]bool{
		"alice": true, "한국어": true, strings.Repeat("u", limit.NameBytesMax): true,
		strings.Repeat("u", limit.NameBytesMax+1): false, "\xff": false, "a\xed\xa0\x80": false,
	} {
		if err := CheckUser(name); (err == nil) != ok {
			t.Errorf("%.20q: %v", name, err)
		}
	}
}
