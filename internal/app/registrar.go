package app

import (
	"cmp"
	"crypto/rand"
	"os"
	"slices"
	"strings"

	"github.com/token-rate-limiter/token-rate-limiter/internal/admin/registrar"
	"github.com/token-rate-limiter/token-rate-limiter/internal/config"
	"github.com/token-rate-limiter/token-rate-limiter/internal/identity"
	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
	"github.com/token-rate-limiter/token-rate-limiter/internal/registry"
)

// openRegistrar makes what serves the registry over HTTP, also where there is no control database:
// it shows the keys of the file then.
func (a *App) openRegistrar() {
	o := registrar.Options{
		Gate: a.gate, Log: a.log, FileKeys: a.fileKeys, Replica: a.replica,
		Accounts: a.store, Policies: a.policies,
	}
	if a.registry != nil {
		o.Store, o.Follow = a.registry, a.follower.Follow
		o.Applied = a.appliedRevision
	}
	a.registrar = registrar.New(o)
}

// policies returns those of the models that are served.
func (a *App) policies() (all []*limit.Policy) {
	for _, m := range a.served().All() {
		all = append(all, m.Policy)
	}
	return all
}

// appliedRevision returns the number of the revision that this replica has applied.
func (a *App) appliedRevision() int64 { return a.follower.Revision().Number }

// fileKeys returns the keys of the configuration at the moment, in the order of their names.
func (a *App) fileKeys() []registry.Key { return FileKeys(a.current.Load().config) }

// FileKeys returns the keys of a configuration, in the order of their names: they have no id and
// no time.
func FileKeys(cfg *config.Config) []registry.Key {
	c := cfg.Auth
	keys := make([]registry.Key, len(c.APIKeys))
	for i, k := range c.APIKeys {
		keys[i] = registry.Key{
			Name: k.Name, User: k.User, Tenant: identity.TenantInside(k.Tenant),
			Roles: k.Roles, ActAs: k.ActAs,
			Models: k.Models, Endpoints: k.Endpoints,
		}
		if hash, err := identity.ParseHash(k.Hash); err == nil {
			keys[i].Secrets = []registry.Secret{{Hash: hash}}
		}
	}
	slices.SortFunc(keys, func(a, b registry.Key) int { return cmp.Compare(a.Name, b.Name) })
	return keys
}

// newReplica returns an id for this process that no other one has, and that tells people where
// it runs.
func newReplica() string {
	const randomDigits = 8
	host, err := os.Hostname()
	if err != nil {
		host = "gateway"
	}
	return host + "-" + strings.ToLower(rand.Text()[:randomDigits])
}
