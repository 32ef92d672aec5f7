package app

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/token-rate-limiter/token-rate-limiter/internal/config"
	"github.com/token-rate-limiter/token-rate-limiter/internal/openai"
)

// TestHeldBackFields: what the configuration lets be listed in allow-fields is
// what the parser of requests holds back.
func TestHeldBackFields(t *testing.T) {
	known, held := config.HeldBackFields(), openai.HeldBackFields()
	slices.Sort(known)
	slices.Sort(held)
	if diff := cmp.Diff(held, known); diff != "" {
		t.Errorf("allow-fields (-held back +known to the configuration):\n%s", diff)
	}
}
