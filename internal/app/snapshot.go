package app

import (
	"fmt"
	"maps"
	"slices"

	"github.com/token-rate-limiter/token-rate-limiter/internal/catalog"
	"github.com/token-rate-limiter/token-rate-limiter/internal/config"
	"github.com/token-rate-limiter/token-rate-limiter/internal/identity"
	"github.com/token-rate-limiter/token-rate-limiter/internal/usage"
)

// snapshot is what one configuration makes of the gateway, as far as it can change while it runs.
// It is immutable: requests take what they need of the newest one, and end with it.
type snapshot struct {
	config  *config.Config
	catalog *catalog.Catalog
	known   identity.Authenticator // knows the credentials
	tokens  *tokens                // takes those of issuers; nil: there are none
}

// authenticator returns what knows the credentials at the moment.
func (a *App) authenticator() identity.Authenticator { return a.current.Load().known }

// isOpen reports whether authentication is off at the moment.
func (a *App) isOpen() bool { return a.authenticator().Open() }

// newSnapshot makes the snapshot of c. What was learned and found out about models is taken over
// from previous, which is nil at the start; so are model servers that are the same.
func (a *App) newSnapshot(previous *snapshot, c *config.Config) (_ *snapshot, err error) {
	s := &snapshot{config: c}
	if err = a.know(s, previous); err != nil {
		return nil, err
	}
	if err := a.mocks.serve(c); err != nil {
		return nil, err
	}
	var models []*catalog.Model
	for _, name := range slices.Sorted(maps.Keys(c.Services)) {
		m, err := a.newModel(previous, c, name)
		if err != nil {
			catalog.New(models).Release()
			return nil, fmt.Errorf("the model %s: %w", name, err)
		}
		models = append(models, m)
	}
	s.catalog = catalog.New(models)
	return s, nil
}

// know finds out what knows the credentials. Tokens come first: whether something is one is seen
// at once, and a key is looked for by a sum over all of it.
func (a *App) know(s, previous *snapshot) (err error) {
	if s.known, err = newAuthenticator(s.config.Auth); err != nil || s.known.Open() {
		return err
	}
	chain := identity.Chain{s.known}
	if a.follower != nil {
		chain = append(chain, a.follower.Keys)
	}
	if s.tokens, err = a.newTokens(previous, s.config.Auth.JWT.Issuers); err != nil {
		return err
	}
	if s.tokens != nil {
		chain = slices.Insert(chain, 0, identity.Authenticator(s.tokens.known))
	}
	if len(chain) > 1 {
		s.known = chain
	}
	return nil
}

// learned returns what prices the requests of a model, with all that was learned of it.
func learned(previous *snapshot, c *config.Config, name string) *usage.Pricer {
	if previous != nil {
		if was, known := previous.catalog.Find(name); known {
			return was.Pricer.With(pricing(c, name))
		}
	}
	return usage.NewPricer(pricing(c, name))
}

// fillContexts tells the pricers of the models whose context-length is not set what the
// model servers say of it. What they have said before stands while nobody has looked.
func (a *App) fillContexts() {
	a.contexts.Lock() // what was told last is told last
	defer a.contexts.Unlock()
	s := a.current.Load()
	if s == nil {
		return // the first one asks
	}
	for _, m := range s.catalog.All() {
		if n, known := m.Pool.ContextLength(); known && m.Pricer.KnowContext(n) && n > 0 {
			a.log.Info("the context-length of a model is what its model servers say",
				"model", m.Name, "tokens", n)
		}
	}
}

// charged returns the names of the accounts of the models of s.
func charged(s *snapshot) map[string]bool {
	names := map[string]bool{}
	for _, m := range s.catalog.All() {
		names[m.Policy.Model()] = true
	}
	return names
}

// forgetModels lets the store drop what it keeps of models that have gone, once nothing counts.
func (a *App) forgetModels() {
	names := charged(a.current.Load())
	a.store.Forget(func(name string) bool { return names[name] })
}
