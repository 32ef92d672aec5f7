package admin

import (
	"net/http"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/failure"
	"github.com/token-rate-limiter/token-rate-limiter/internal/identity"
	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
	"github.com/token-rate-limiter/token-rate-limiter/internal/reply"
)

// Usage is where a user stands on a model: the answer of /api/v1/admin/token-usage/{model}/{user}.
type Usage struct {
	Model       string        `json:"model"`
	Tenant      string        `json:"tenant"`
	User        string        `json:"user"`
	At          time.Time     `json:"at"` // the store's time
	Windows     []WindowUsage `json:"windows"`
	Concurrency []Concurrency `json:"concurrency"`
}

// WindowUsage is where a user stands under one limit, or what was used where there is none.
type WindowUsage struct {
	Scope     string    `json:"scope"` // "user", or "model": over all users
	Meter     string    `json:"meter"`
	Window    string    `json:"window"`
	Limit     *int64    `json:"limit"`     // null: none
	Used      int64     `json:"used"`      // by requests that have ended
	Reserved  int64     `json:"reserved"`  // by requests that are running
	Remaining *int64    `json:"remaining"` // of what is admitted, never below 0; null: no limit
	ResetAt   time.Time `json:"resetAt"`   // when nothing counts any more
}

// Concurrency is how many requests are running, and may.
type Concurrency struct {
	Scope   string `json:"scope"`
	Running int64  `json:"running"`
	Limit   *int64 `json:"limit"` // null: none
}

// usage answers where a user stands on a model, of those that the principal may use. The user is of
// the tenant that is asked for, or else of the principal's.
func (h *Handler) usage(w http.ResponseWriter, r *http.Request, p *identity.Principal) {
	m, ok := h.Catalog().Find(r.PathValue("model"))
	if !ok || !p.Reach.AllowsModel(m.Name) {
		reply.Error(w, failure.NoModel(r.PathValue("model")), 0)
		return
	}
	user := r.PathValue("user")
	if err := identity.CheckUser(user); err != nil {
		reply.Error(w, failure.InvalidRequest("user", "%v", err), 0)
		return
	}
	tenant := p.Tenant
	if named := r.URL.Query().Get("tenant"); named != "" {
		tenant = identity.TenantInside(named)
	}
	if !p.MayIn(identity.UsageRead, tenant) {
		reply.Error(w, failure.Permission("the credential lacks the permission %v in that tenant",
			identity.UsageRead), 0)
		return
	}
	v, err := h.Store.View(r.Context(), m.Policy, identity.AccountOf(tenant, user))
	if err != nil {
		reply.Error(w, failure.NoStore(time.Second), 0)
		return
	}
	reply.JSON(w, http.StatusOK, newUsage(m.Name, identity.Person{Tenant: tenant, User: user}, v))
}

func newUsage(model string, of identity.Person, v limit.View) Usage {
	u := Usage{
		Model: model, Tenant: identity.TenantOutside(of.Tenant), User: of.User, At: v.At.Time(),
		Windows: []WindowUsage{}, Concurrency: []Concurrency{},
	}
	for _, w := range v.Windows {
		r := w.Rule
		usage := WindowUsage{
			Scope: r.Scope.String(), Meter: r.Meter.String(), Window: r.Window.String(),
			Used: w.Used, Reserved: w.Reserved, ResetAt: v.At.Add(w.Reset).Time(),
		}
		if remaining := w.Remaining(); r.Max != limit.Unlimited {
			usage.Limit, usage.Remaining = &r.Max, &remaining
		}
		u.Windows = append(u.Windows, usage)
	}
	for _, g := range v.Gauges {
		c := Concurrency{Scope: g.Scope.String(), Running: g.Running}
		if g.Max != limit.Unlimited {
			c.Limit = &g.Max
		}
		u.Concurrency = append(u.Concurrency, c)
	}
	return u
}
