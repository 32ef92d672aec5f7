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

// TestAs: whoever is named is charged, and who holds the credential answers for what is done, however
// often others are named.
func TestAs(t *testing.T) {
	p := Principal{User: "portal", Roles: []Role{User}, Permissions: PermissionsOf([]Role{User}), ActAs: true, Reach: Nothing, Credential: "k"}
	for _, tt := range []struct {
		named         []string
		charged, held string
	}{
		{nil, "portal", "portal"}, {[]string{"bob"}, "bob", "portal"}, {[]string{"portal"}, "portal", "portal"},
		{[]string{"bob", "eve"}, "eve", "portal"}, {[]string{"bob", "portal"}, "portal", "portal"},
	} {
		got := p
		for _, name := range tt.named {
			got = got.As(name)
		}
		if got.User != tt.charged || got.Actor() != tt.held || got.Reach != Nothing || !got.May(ModelsUse) || !got.ActAs {
			t.Errorf("as %v it is %+v of %s", tt.named, got, got.Actor())
		}
	}
}
