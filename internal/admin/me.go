package admin

import (
	"context"
	"net/http"
	"slices"

	"github.com/token-rate-limiter/token-rate-limiter/internal/identity"
	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
	"github.com/token-rate-limiter/token-rate-limiter/internal/reply"
)

// Me is who sends a request and what that one may do: the answer of /api/v1/me.
type Me struct {
	User        string          `json:"user"` // whose accounts are charged
	Tenant      string          `json:"tenant"`
	Credential  string          `json:"credential"` // its name; "": none is needed
	Roles       []identity.Role `json:"roles"`
	Permissions []string        `json:"permissions"`        // in the tenant, at least
	InTenant    []string        `json:"tenant_permissions"` // those of them in the tenant alone
	ActAs       bool            `json:"act_as"`
	// Models and Endpoints are what the credential is restricted to; left out: to nothing.
	Models    []string `json:"models,omitzero"`
	Endpoints []string `json:"endpoints,omitzero"`
	// Usage is where the user stands on each model that may be used; left out: the store does
	// not answer.
	Usage []Usage `json:"usage,omitzero"`
}

// asksMax bounds how many requests for Me ask the store at the same time. Everybody may send them,
// and each asks once for every model.
const asksMax = 16

// me answers whoever has a credential with what it is good for.
func (h *Handler) me(w http.ResponseWriter, r *http.Request, p *identity.Principal) {
	m := Me{
		User: p.User, Tenant: identity.TenantOutside(p.Tenant), Credential: p.Credential,
		Roles: slices.Concat([]identity.Role{}, p.Roles), Permissions: p.Permissions.Names(),
		InTenant: p.Permissions.NamesInTenant(),
		ActAs:    p.ActAs, Models: p.Reach.Models(), Endpoints: p.Reach.Endpoints(),
	}
	var err error
	if m.Usage, err = h.ownUsage(r.Context(), p); err != nil {
		m.Usage = nil
	}
	w.Header()["Cache-Control"] = []string{"no-store"}
	reply.JSON(w, http.StatusOK, m)
}

// ownUsage returns where the principal's user stands on each model that it may use. It waits for
// its turn, and fails where the store does or ctx ends.
func (h *Handler) ownUsage(ctx context.Context, p *identity.Principal) ([]Usage, error) {
	list := []Usage{}
	if !p.MayIn(identity.ModelsUse, p.Tenant) {
		return list, nil
	}
	select {
	case h.asks <- struct{}{}:
		defer func() { <-h.asks }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	of := identity.Person{Tenant: p.Tenant, User: p.User}
	for _, m := range h.Catalog().All() {
		if !p.Reach.AllowsModel(m.Name) {
			continue
		}
		v, err := h.Store.View(ctx, m.Policy, p.Account)
		if err != nil {
			return nil, err
		}
		list = append(list, newUsage(m.Name, of, told(v)))
	}
	return list, nil
}

// told returns of a view what users are told: of the model over all its users only limits, as
// the fields RateLimit of every answer do, and not how much runs.
func told(v limit.View) limit.View {
	v.Windows = slices.DeleteFunc(v.Windows, func(w limit.WindowView) bool {
		return w.Rule.Scope == limit.ModelScope && w.Rule.Max == limit.Unlimited
	})
	v.Gauges = slices.DeleteFunc(v.Gauges, func(g limit.Gauge) bool {
		return g.Scope == limit.ModelScope
	})
	return v
}
