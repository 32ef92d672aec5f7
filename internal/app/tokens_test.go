package app

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/internal/config"
	"github.com/token-rate-limiter/token-rate-limiter/internal/jwt"
	"github.com/token-rate-limiter/token-rate-limiter/internal/jwt/keyset"
)

// TestTokensOutliveOtherChanges: what was verified stays so where no issuer has changed, and is
// forgotten with any change of one.
func TestTokensOutliveOtherChanges(t *testing.T) {
	a := &App{keys: keyset.New(slog.New(slog.DiscardHandler))}
	issuers := func(secret string) []config.Issuer {
		return []config.Issuer{{
			Name: "portal", Audiences: []string{"gateway"}, Algorithms: []jwt.Algorithm{"HS256"}, Secret: secret,
			Map: config.ClaimMap{User: config.UserClaim{Claim: "/sub"}},
		}}
	}
	one, other := strings.Repeat("a", 32), strings.Repeat("b", 32)
	first, err := a.newTokens(nil, issuers(one))
	if err != nil {
		t.Fatal(err)
	}
	for secret, same := range map[string]bool{one: true, other: false} {
		next, err := a.newTokens(&snapshot{tokens: first}, issuers(secret))
		if err != nil || (next == first) != same {
			t.Errorf("with the secret %s: the same: %t, %v", secret, next == first, err)
		}
	}
	if none, err := a.newTokens(&snapshot{tokens: first}, nil); none != nil || err != nil {
		t.Errorf("without issuers: %v, %v", none, err)
	}
}
