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
}

// authenticator returns what knows the credentials at the moment.
func (a *App) authenticator() identity.Authenticator { return a.current.Load().known }

// isOpen reports whether authentication is off at the moment.
func (a *App) isOpen() bool { return a.authenticator().Open() }

// newSnapshot makes the snapshot of c. What was learned and found out about models is taken over
// from previous, which is nil at the start; so are model servers that are the same.
func (a *App) newSnapshot(previous *snapshot, c *config.Config) (_ *snapshot, err error) {
	s := &snapshot{config: c}
	if s.known, err = newAuthenticator(c.Auth); err != nil {
		return nil, err
	}
	if a.follower != nil && !s.known.Open() {
		s.known = identity.Chain{s.known, a.follower.Keys}
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
