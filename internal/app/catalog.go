package app

import (
	"fmt"
	"net/http"

	"github.com/token-rate-limiter/token-rate-limiter/internal/catalog"
	"github.com/token-rate-limiter/token-rate-limiter/internal/config"
	"github.com/token-rate-limiter/token-rate-limiter/internal/fleet"
	"github.com/token-rate-limiter/token-rate-limiter/internal/identity"
	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
	"github.com/token-rate-limiter/token-rate-limiter/internal/telemetry"
	"github.com/token-rate-limiter/token-rate-limiter/internal/upstream"
	"github.com/token-rate-limiter/token-rate-limiter/internal/usage"
)

// newModel makes a model that c serves, and takes over what previous knows of it.
// It is held by whoever gets it, which ends with its Gone.
func (a *App) newModel(previous *snapshot, c *config.Config, name string) (*catalog.Model, error) {
	service := c.Services[name]
	account, limits := c.LimitsOf(name)
	policy, err := newPolicy(account, limits)
	if err != nil {
		return nil, err
	}
	servers, err := a.servers.Open(name, a.fleetService(service))
	if err != nil {
		return nil, err
	}
	counted := a.metrics.Model(name)
	failed := func(s *upstream.Server) { counted.UpstreamError(s.Name()) }
	m := &catalog.Model{
		Name: name, ServedAs: service.ServedAs,
		Policy: policy, Pricer: learned(previous, c, name), Quirks: &a.quirks, Metrics: counted,
		Pool:             upstream.NewPool(service.ServedAs, servers, failed),
		FirstByteTimeout: service.FirstByteTimeout,
		ResponseTimeout:  service.ResponseTimeout,
		IdleTimeout:      service.IdleTimeout,
		WorstCase:        limits.Reserve == config.ReserveWorstCase,
		ExactInput:       limits.InputEstimate == config.EstimateExact,
		AllowFields:      service.AllowFields,
		RefuseUnknown:    service.UnknownFields == config.UnknownRefuse,
	}
	for _, field := range service.ForwardHeaders {
		m.ForwardHeaders = append(m.ForwardHeaders, http.CanonicalHeaderKey(field))
	}
	m.Gone = func() {
		counted.Release()
		a.servers.Release(name, servers)
	}
	return m, nil
}

// pricing says how the requests of a model are priced.
func pricing(c *config.Config, name string) usage.Options {
	_, limits := c.LimitsOf(name)
	return usage.Options{
		DefaultOutput:        limits.DefaultOutputTokens,
		ImageTokens:          limits.ImageTokens,
		AudioTokensPerSecond: limits.AudioTokensPerSecond,
		ContextLength:        c.Services[name].ContextLength,
		WorstCase:            limits.Reserve == config.ReserveWorstCase,
	}
}

// newPolicy compiles the limits of a model.
func newPolicy(name string, m config.Model) (*limit.Policy, error) {
	o := limit.PolicyOptions{Model: name, MaxDebt: m.MaxDebt}
	if m.Overrun == config.OverrunStop {
		o.Overrun = limit.Stop
	}
	o.User, o.MaxConcurrentPerUser = m.User.Windows, orUnlimited(m.User.Concurrent)
	o.Total, o.MaxConcurrent = m.Total.Windows, orUnlimited(m.Total.Concurrent)
	return limit.NewPolicy(o)
}

func orUnlimited(maximum *int64) int64 {
	if maximum == nil {
		return limit.Unlimited
	}
	return *maximum
}

// newAuthenticator returns what knows the credentials that the configuration has.
func newAuthenticator(c config.Auth) (identity.Authenticator, error) {
	if !c.Enabled {
		return identity.Anyone{}, nil
	}
	keys := make([]identity.Key, len(c.APIKeys))
	for i, k := range c.APIKeys {
		reach, err := identity.NewReach(k.Models, k.Endpoints)
		if err != nil {
			return nil, fmt.Errorf("the API key %q: %w", k.Name, err)
		}
		keys[i] = identity.Key{
			Name: k.Name, User: k.User, Tenant: identity.TenantInside(k.Tenant), Hash: k.Hash,
			Roles: k.Roles, ActAs: k.ActAs, Reach: reach,
		}
	}
	return identity.NewKeys(keys)
}

// fleetService says where a model is served.
func (a *App) fleetService(s config.Service) fleet.Service {
	f := fleet.Service{
		ServedAs: s.ServedAs, APIKey: s.APIKey, CAFile: s.CAFile,
		ConnectTimeout: s.ConnectTimeout, CheckInterval: s.HealthInterval,
		Breaker: upstream.BreakerOptions{
			Failures: int(s.BreakerFailures), Outcomes: int(s.BreakerOutcomes), Wait: s.BreakerWait,
		},
	}
	if f.Breaker.Failures == 0 {
		f.Breaker.Failures = -1 // the configuration's word for never
	}
	for _, address := range s.Servers {
		u := string(address)
		if address == config.MockServer {
			u = a.mocks.url()
		}
		f.URLs = append(f.URLs, u)
	}
	return f
}

// conditions returns the conditions of the model servers of all models, for the gauges.
func (a *App) conditions() (all []telemetry.ServerState) {
	for _, m := range a.served().All() {
		for _, e := range m.Pool.States() {
			all = append(all, telemetry.ServerState{
				Model: m.Name, Server: e.Server, Healthy: e.Healthy, Breaker: int(e.Breaker),
			})
		}
	}
	return all
}
