package registrar

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/identity"
	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
)

// Usage is where a user stands on a model.
type Usage struct {
	Tenant  string         `json:"tenant"`
	User    string         `json:"user"`
	Model   string         `json:"model"`
	Running int64          `json:"running"`
	Most    *int64         `json:"running_limit"` // null: none
	At      time.Time      `json:"at"`            // the store's time
	Windows []UsageOfMeter `json:"windows"`

	account string // the name that the store has for it, which no other user of the model has
}

// UsageOfMeter is what a user has used of one meter in one window.
type UsageOfMeter struct {
	Meter     string    `json:"meter"`
	Window    string    `json:"window"`
	Limit     *int64    `json:"limit"`     // null: none
	Used      int64     `json:"used"`      // by requests that have ended
	Reserved  int64     `json:"reserved"`  // by requests that are running
	Remaining *int64    `json:"remaining"` // of what is admitted, never below 0; null: no limit
	ResetsAt  time.Time `json:"resets_at"` // when nothing counts any more
}

// holder is whose an account is.
type holder struct {
	account      string // the name that the store has for it
	tenant, user string // as people know them
}

// holderOf returns whose an account is, as far as its name tells: where it does not, the tenant is
// "", which no tenant is called.
func holderOf(account string) holder {
	p, known := identity.PersonOf(account)
	h := holder{account: account, user: strings.ToValidUTF8(p.User, "\uFFFD")}
	if known {
		h.tenant = strings.ToValidUTF8(identity.TenantOutside(p.Tenant), "\uFFFD")
	}
	return h
}

// holderNamed returns the holder of the account of a user of a tenant; "" is the default one.
func holderNamed(tenant, user string) holder {
	return holder{identity.AccountOf(tenant, user), identity.TenantOutside(tenant), user}
}

// newUsage returns v as it is shown: what is of the user, and not of the model over all of them.
func newUsage(model string, of holder, v *limit.View) Usage {
	u := Usage{
		Tenant: of.tenant, User: of.user, Model: model, At: v.At.Time(),
		Windows: []UsageOfMeter{}, account: of.account,
	}
	for i := range v.Windows {
		w := &v.Windows[i]
		r := w.Rule
		if r.Scope != limit.UserScope {
			continue
		}
		m := UsageOfMeter{
			Meter: r.Meter.String(), Window: r.Window.String(), Used: w.Used,
			Reserved: w.Reserved, ResetsAt: v.At.Add(w.Reset).Time(),
		}
		if remaining := w.Remaining(); r.Max != limit.Unlimited {
			m.Limit, m.Remaining = &r.Max, &remaining
		}
		u.Windows = append(u.Windows, m)
	}
	for _, g := range v.Gauges {
		if g.Scope == limit.UserScope {
			if u.Running = g.Running; g.Max != limit.Unlimited {
				u.Most = &g.Max
			}
		}
	}
	return u
}

// usageList is a list of usage. Where it was asked for by a key, it says whose that is: accounts
// are of users, and all keys of one charge the same.
type usageList struct {
	list[Usage]
	Key  string `json:"key,omitzero"`
	User string `json:"user,omitzero"`
}

// showUsage lists who has used what.
func (h *Handler) showUsage(c *call) (*answer, error) {
	q, err := h.usageQuery(c)
	if err != nil {
		return nil, err
	}
	if q.csv {
		return h.exportUsage(c, q)
	}
	data, next, err := h.usageRows(c.Context(), q)
	if err != nil {
		return nil, err
	}
	if data == nil {
		data = []Usage{}
	}
	return &answer{status: http.StatusOK, body: usageList{
		list[Usage]{"list", data, next.Model != "", next.text()}, q.key, q.keyUser,
	}}, nil
}

// usageRows returns the rows that q asks for, and where those begin that are behind them; the zero
// mark: there are none. Others that read the accounts of many users are waited for.
func (h *Handler) usageRows(ctx context.Context, q *usageQuery) ([]Usage, mark, error) {
	select {
	case h.asks <- struct{}{}:
	case <-ctx.Done():
		return nil, mark{}, ctx.Err()
	}
	defer func() { <-h.asks }()
	switch {
	case q.user != nil:
		return h.usageOfUser(ctx, q)
	case q.by != nil:
		return h.usageSorted(ctx, q)
	}
	return h.usagePage(ctx, q)
}

// shows reports whether q asks for what is of a tenant, by the name that people know it by, and
// who asks may see it.
func (q *usageQuery) shows(tenant string) bool {
	if q.tenant != "" && tenant != q.tenant {
		return false
	}
	return q.asker.May(identity.UsageRead) ||
		tenant != "" && q.asker.MayIn(identity.UsageRead, identity.TenantInside(tenant))
}

// usageOfUser returns the rows of one user, of all models that q asks for.
func (h *Handler) usageOfUser(
	ctx context.Context, q *usageQuery,
) (rows []Usage, next mark, _ error) {
	for _, p := range q.models {
		v, err := h.Accounts.View(ctx, p, q.user.account)
		if err != nil {
			return nil, mark{}, err
		}
		if u := newUsage(p.Model(), *q.user, &v); q.shows(u.Tenant) && !v.IsIdle() {
			rows = append(rows, u)
		}
	}
	if q.by != nil {
		q.sort(rows)
	}
	rows, next = q.cut(rows)
	return rows, next, nil
}
