package jwt

import (
	"context"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/identity"
)

// Authenticator knows whose a token is, and remembers what was verified. It is an
// [identity.Authenticator], and safe for concurrent use.
type Authenticator struct {
	verifier *Verifier
	now      func() time.Time
	tags     *tagger
	cache    *cache
}

// NewAuthenticator returns one that asks v; now is the clock.
func NewAuthenticator(v *Verifier, now func() time.Time) *Authenticator {
	return &Authenticator{v, now, newTagger(), newCache(rememberedMax, rememberedBytesMax)}
}

// Open implements identity.Authenticator: each needs a token.
func (*Authenticator) Open() bool { return false }

// Authenticate implements identity.Authenticator. What is no token is [identity.ErrUnknown] at
// the price of a look at it. A token that is not taken is an [identity.Refusal]; one
// whose key cannot be known now is any other error.
func (a *Authenticator) Authenticate(_ context.Context, credential string) (identity.Proof, error) {
	if !looksLikeToken(credential) {
		return identity.Proof{}, identity.ErrUnknown
	}
	if len(credential) > TokenBytesMax {
		_, f := parse(credential)
		return identity.Proof{}, f
	}
	t, now := a.tags.of(credential), a.now()
	if r := a.cache.get(t, now); r != nil {
		return identity.Proof{Principal: &r.principal}, nil
	}
	v, err := a.verifier.Verify(credential, now)
	if err != nil {
		return identity.Proof{}, err
	}
	r := &remembered{
		principal: identity.Principal{
			User: v.User, Tenant: v.Tenant, Account: identity.AccountOf(v.Tenant, v.User),
			Roles: v.Roles, Reach: v.Reach, Credential: v.Issuer,
			Permissions: identity.PermissionsOf(v.Roles),
		},
		until: v.Until, key: v.key,
	}
	r.bytes = entryBytes + len(v.User) + len(v.Tenant) + len(r.principal.Account)
	for _, role := range v.Roles {
		r.bytes += textBytes + len(role)
	}
	for _, model := range v.Reach.Models() {
		r.bytes += textBytes + len(model)
	}
	a.cache.put(t, r)
	return identity.Proof{Principal: &r.principal}, nil
}
