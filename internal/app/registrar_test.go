package app_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/internal/apptest"
	"github.com/token-rate-limiter/token-rate-limiter/internal/identity"
)

// TestKeysOfTheFileHaveTheirReach: a key of the file that is restricted is shown so.
func TestKeysOfTheFileHaveTheirReach(t *testing.T) {
	list := []caller{
		{name: "operator", roles: []identity.Role{identity.Admin}, key: true},
		{name: "narrow", roles: []identity.Role{identity.User}, more: ", models: ['llama2-*'], endpoints: [chat_completions]", key: true},
	}
	g := apptest.Start(t, apptest.Options{Auth: true, Config: keysOf(t, list)})
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, g.URL+"/api/v1/admin/keys/file:narrow", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Api-Key", list[0].credential())
	status, text := answered(t, r)
	for _, want := range []string{`"models":["llama2-*"]`, `"endpoints":["chat_completions"]`, `"roles":["user"]`} {
		if status != http.StatusOK || !strings.Contains(text, want) {
			t.Errorf("%d %s, which lacks %s", status, text, want)
		}
	}
}
