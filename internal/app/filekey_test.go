package app_test

import (
	"strings"
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/internal/apptest"
	"github.com/token-rate-limiter/token-rate-limiter/internal/identity"
)

// TestFileKeysAreShownAsTheyAre: whoever looks at a key of the file sees what it may be used for.
func TestFileKeysAreShownAsTheyAre(t *testing.T) {
	narrow := caller{
		name: "narrow", roles: []identity.Role{identity.User, identity.Admin}, key: true,
		more: ", act-as: true, models: [other], endpoints: [detokenize]",
	}
	g := apptest.Start(t, apptest.Options{Auth: true, Config: keysOf(t, []caller{narrow})})
	for _, path := range []string{"/keys", "/keys/file:narrow"} {
		_, text := apptest.Fetch(t, g.Client, g.URL+"/api/v1/admin"+path, narrow.credential())
		for _, want := range []string{`"models":["other"]`, `"endpoints":["detokenize"]`, `"roles":["user","admin"]`, `"act_as":true`} {
			if !strings.Contains(text, want) {
				t.Errorf("%s has no %s: %s", path, want, text)
			}
		}
	}
}
