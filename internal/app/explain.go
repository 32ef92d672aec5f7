package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/config"
	"github.com/token-rate-limiter/token-rate-limiter/internal/jwt"
	"github.com/token-rate-limiter/token-rate-limiter/internal/jwt/keyset"
)

// TokenReport says what becomes of a token. It holds the token neither as a whole nor in parts, but
// for what its claims make of its user.
type TokenReport struct {
	Passed []jwt.Check
	Failed *jwt.Failure  // nil: none
	Wanted string        // what the configuration has for the check that failed; "": nothing
	Taken  *jwt.Verified // what it is, where none failed
	// Unread says which keys could not be read, and why.
	Unread []error
}

// ExplainToken asks of a token what a gateway with a configuration would at a moment. Keys that
// the token's issuer publishes are read from it, with every call; nobody else is asked.
func ExplainToken(
	ctx context.Context, c *config.Config, token string, now time.Time,
) (r TokenReport, err error) {
	if len(c.Auth.JWT.Issuers) == 0 {
		return r, errors.New("no JWTs are taken: there is nothing in auth.jwt.issuers")
	}
	t, named := &tokens{issuers: c.Auth.JWT.Issuers}, jwt.IssuerOf(token)
	v, err := t.verifier(func(s keyset.Source) *jwt.KeySet {
		if s.Issuer != named {
			return &jwt.KeySet{}
		}
		keys, _, err := keyset.Fetch(ctx, s)
		if err != nil {
			r.Unread = append(r.Unread, fmt.Errorf("the keys of %s: %w", s.Issuer, err))
			return &jwt.KeySet{}
		}
		return jwt.NewKeySet(keys...)
	})
	if err != nil {
		return r, err
	}
	if r.Taken, err = v.Verify(token, now); err == nil {
		r.Passed = jwt.Checks()
		return r, nil
	}
	failed, is := errors.AsType[*jwt.Failure](err)
	if !is {
		return r, err
	}
	r.Failed = failed
	before, _ := slices.BinarySearch(jwt.Checks(), failed.Check)
	r.Passed = jwt.Checks()[:before]
	r.Wanted = wanted(c.Auth.JWT.Issuers, failed)
	return r, nil
}

// wanted returns what the configuration has for the check that failed.
func wanted(issuers []config.Issuer, f *jwt.Failure) string {
	if f.Check == jwt.CheckIssuer {
		var names []string
		for n := range issuers {
			names = append(names, issuers[n].Name)
		}
		return "issuer: " + strings.Join(names, ", or ")
	}
	n := slices.IndexFunc(issuers, func(i config.Issuer) bool { return i.Name == f.Issuer })
	if n < 0 {
		return ""
	}
	i := &issuers[n]
	switch f.Check {
	case jwt.CheckType:
		return fmt.Sprintf("types: %v, id-tokens: %t", i.Types, i.IDTokens)
	case jwt.CheckAlgorithm:
		return fmt.Sprintf("algorithms: %v", i.Algorithms)
	case jwt.CheckAudience:
		return fmt.Sprintf("audiences: %v", i.Audiences)
	case jwt.CheckExpiry, jwt.CheckBegin:
		return fmt.Sprintf("leeway: %v", i.Leeway)
	case jwt.CheckLifetime:
		return fmt.Sprintf("max-lifetime: %v", i.MaxLifetime)
	}
	return ""
}
