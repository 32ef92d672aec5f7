package app

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/config"
	"github.com/token-rate-limiter/token-rate-limiter/internal/file"
	"github.com/token-rate-limiter/token-rate-limiter/internal/jwt"
	"github.com/token-rate-limiter/token-rate-limiter/internal/jwt/keyset"
)

// tokens is what a snapshot knows of tokens.
type tokens struct {
	issuers []config.Issuer
	sources []keyset.Source // of those whose keys are fetched
	known   *jwt.Authenticator
}

// newTokens returns what takes the tokens of the issuers; nil where there are none. What previous
// has verified stays so where nothing has changed.
func (a *App) newTokens(previous *snapshot, issuers []config.Issuer) (*tokens, error) {
	if len(issuers) == 0 {
		return nil, nil
	}
	t := &tokens{issuers: issuers}
	v, err := t.verifier(a.keys.Open)
	if err != nil {
		return nil, err
	}
	if previous != nil && previous.tokens != nil && t.is(previous.tokens) {
		return previous.tokens, nil
	}
	t.known = jwt.NewAuthenticator(v, time.Now)
	return t, nil
}

// verifier returns what verifies the tokens of all issuers. open follows the keys of a source.
func (t *tokens) verifier(open func(keyset.Source) *jwt.KeySet) (*jwt.Verifier, error) {
	trusted := make([]*jwt.Issuer, len(t.issuers))
	for n := range t.issuers {
		i := &t.issuers[n]
		keys, err := t.keys(i, open)
		if err == nil {
			trusted[n], err = newIssuer(i, keys)
		}
		if err != nil {
			return nil, fmt.Errorf("the issuer %s: %w", i.Name, err)
		}
	}
	return jwt.NewVerifier(trusted), nil
}

// is reports whether both take the same tokens.
func (t *tokens) is(other *tokens) bool {
	return reflect.DeepEqual(t.issuers, other.issuers) && slices.Equal(t.sources, other.sources)
}

// keys returns the keys of an issuer, which open follows where they are fetched.
func (t *tokens) keys(
	i *config.Issuer, open func(keyset.Source) *jwt.KeySet,
) (*jwt.KeySet, error) {
	if i.Secret != "" {
		return jwt.NewKeySet(jwt.NewSecret(i.Secret)), nil
	}
	if len(i.Keys) > 0 {
		keys := make([]*jwt.Key, len(i.Keys))
		for n, text := range i.Keys {
			var err error
			if keys[n], err = jwt.ParseKey(text); err != nil {
				return nil, fmt.Errorf("its key %d %w", n+1, err)
			}
		}
		return jwt.NewKeySet(keys...), nil
	}
	s, err := sourceOf(i)
	if err != nil {
		return nil, err
	}
	t.sources = append(t.sources, s)
	return open(s), nil
}

// sourceOf returns where the keys of an issuer are fetched.
func sourceOf(i *config.Issuer) (keyset.Source, error) {
	s := keyset.Source{Issuer: i.Name, URL: i.JWKSURL, Refresh: i.Refresh}
	if i.CAFile != "" {
		ca, err := file.Read(i.CAFile)
		if err != nil {
			return s, err
		}
		s.CA = string(ca)
	}
	return s, nil
}

// newIssuer returns the issuer that the configuration describes.
func newIssuer(c *config.Issuer, keys *jwt.KeySet) (*jwt.Issuer, error) {
	i := &jwt.Issuer{
		Name: c.Name, Audiences: c.Audiences, Algorithms: c.Algorithms, IDTokens: c.IDTokens,
		Keys: keys, Leeway: c.Leeway, MaxLifetime: c.MaxLifetime,
	}
	for _, t := range c.Types {
		i.Types = append(i.Types, string(t))
	}
	for _, claim := range slices.Sorted(maps.Keys(c.Require)) {
		p, err := jwt.ParsePointer(claim)
		if err != nil {
			return nil, err
		}
		i.Require = append(i.Require, jwt.Requirement{Claim: p, Value: c.Require[claim]})
	}
	var err error
	i.Map, err = newMapping(&c.Map)
	return i, err
}

// newMapping returns what claims mean.
func newMapping(c *config.ClaimMap) (m jwt.Mapping, err error) {
	m.Prefix, m.Tenant.Value = c.User.Prefix, c.Tenant.Value
	for to, claim := range map[*jwt.Pointer]string{
		&m.User: c.User.Claim, &m.Tenant.Claim: c.Tenant.Claim,
		&m.Models: c.Models.Claim, &m.Limits: c.Limits.Claim,
	} {
		if claim == "" {
			continue
		}
		if *to, err = jwt.ParsePointer(claim); err != nil {
			return m, err
		}
	}
	if c.Tenant.Match != "" {
		if m.Tenant.Match, err = jwt.CompileMatch(c.Tenant.Match); err != nil {
			return m, err
		}
	}
	for _, r := range c.Roles {
		p, err := jwt.ParsePointer(r.Claim)
		if err != nil {
			return m, err
		}
		m.Roles = append(m.Roles,
			jwt.RoleRule{Claim: p, Has: r.Has, Give: r.Give})
	}
	return m, nil
}

// keysWait bounds how long the start waits for the keys of issuers, of all together.
const keysWait = 5 * time.Second

// awaitKeys waits until each issuer was asked for its keys once, so that a gateway that is ready
// takes their tokens. One that is away or slow keeps nobody from coming in with an API key.
func (a *App) awaitKeys(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, keysWait)
	defer cancel()
	a.keys.Await(ctx)
}

// keepKeys goes on following the keys that the newest snapshot needs, and no others.
func (a *App) keepKeys() {
	var needed []keyset.Source
	if s := a.current.Load(); s != nil && s.tokens != nil {
		needed = s.tokens.sources
	}
	a.keys.Keep(needed)
}
