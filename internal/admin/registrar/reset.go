package registrar

import (
	"crypto/rand"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/token-rate-limiter/token-rate-limiter/internal/identity"
	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
	"github.com/token-rate-limiter/token-rate-limiter/internal/registry"
)

// resetRequest is the body of a request to reset an account.
type resetRequest struct {
	Tenant  string   `json:"tenant"` // "": that of who asks
	User    *string  `json:"user"`
	Model   string   `json:"model"`
	Windows []string `json:"windows"` // left out: all
	Reason  string   `json:"reason"`  // for the audit; or in the header
}

// Reset is what became of a request to reset an account.
type Reset struct {
	Tenant   string         `json:"tenant"`
	User     string         `json:"user"`
	Model    string         `json:"model"`
	At       time.Time      `json:"at"`       // the store's time
	Repeated bool           `json:"repeated"` // it had been made before: nothing was changed now
	Cleared  []ClearedMeter `json:"cleared"`
	// Revision is that of its record in the audit; 0: there is no control database.
	Revision int64 `json:"revision"`

	of holder
}

// ClearedMeter is what counted of a meter in a window.
type ClearedMeter struct {
	Meter  string `json:"meter"`
	Window string `json:"window"`
	Sum    int64  `json:"sum"`
}

// resetAccount sets to zero what counts of a user on a model. The store of accounts is not in
// the transaction of the database, so that the record is kept first: a reset that is in the
// audit may have failed, and none is made that is not in it.
func (h *Handler) resetAccount(c *call) (*answer, error) {
	var body resetRequest
	return h.once(c, &body, func() (*answer, error) {
		p, of, r, err := h.readReset(c, &body)
		if err != nil {
			return nil, err
		}
		v, err := h.Accounts.View(c.Context(), p, of.account)
		if err != nil {
			return nil, err
		}
		done := Reset{Model: p.Model(), Tenant: of.tenant, User: of.user, of: of}
		if c.change.DryRun {
			done.At, done.Cleared = v.At.Time(), cleared(counted(&v, r, p))
			return &answer{status: http.StatusOK, body: done}, nil
		}
		replayed, err := h.recordReset(c, &done, &v, r)
		if err != nil {
			return nil, err
		}
		made, err := h.Accounts.Reset(c.Context(), p, of.account, r)
		if err != nil {
			return nil, h.resetFailed(c, err)
		}
		done.At, done.Repeated, done.Cleared = made.At.Time(), made.Repeated, cleared(made.Sums)
		h.Log.Info("an account was reset", "model", done.Model, "user", done.User,
			"tenant", done.Tenant, "credential", c.change.Credential,
			"reason", c.change.Reason, "repeated", done.Repeated)
		return &answer{status: http.StatusOK, body: done, replayed: replayed}, nil
	})
}

// readReset reads which account is to be reset, and how.
func (h *Handler) readReset(c *call, body *resetRequest,
) (p *limit.Policy, of holder, r limit.Reset, err error) {
	if of, err = body.holder(c); err != nil {
		return nil, of, r, err
	}
	policies := h.Policies()
	i := slices.IndexFunc(policies, func(p *limit.Policy) bool { return p.Model() == body.Model })
	if i < 0 || !c.by.Reach.AllowsModel(body.Model) {
		return nil, of, r, problem("model_not_found",
			"there is no such model: GET /v1/models lists them")
	}
	for _, name := range body.Windows {
		isNamed := func(w limit.Window) bool { return w.String() == name }
		at := slices.IndexFunc(limit.Windows[:], isNamed)
		if at < 0 {
			return nil, of, r, faulty("#/windows", "must be of minute, hour and day; left out, all")
		}
		r.Windows = append(r.Windows, limit.Windows[at])
	}
	if body.Windows != nil && len(body.Windows) == 0 {
		return nil, of, r, faulty("#/windows", "is empty: name some, or leave it out for all")
	}
	if body.Reason != "" && c.change.Reason != "" {
		return nil, of, r, faulty("#/reason", "is in the header too: leave one of them out")
	}
	if body.Reason != "" {
		c.change.Reason = body.Reason
	}
	r.ID = strings.ToLower(rand.Text())
	if c.change.Once != nil {
		r.ID = c.change.Once.ID.String()
	}
	return policies[i], of, r, c.change.Act.Check()
}

// holder returns whose account is to be reset, which the sender of the request may do.
func (body *resetRequest) holder(c *call) (of holder, err error) {
	tenant := c.by.Tenant
	if body.Tenant != "" {
		tenant = identity.TenantInside(body.Tenant)
	}
	switch t := (registry.Tenant{Name: tenant}); {
	case t.Check() != nil:
		return of, faulty("#/tenant", "is no name of a tenant")
	case !c.by.MayIn(identity.UsageWrite, tenant):
		return of, problem("permission_denied",
			"accounts of that tenant are reset by who has usage:write there")
	case body.User == nil:
		return of, faulty("#/user", "is missing: say whose account is to be reset")
	}
	if err := identity.CheckUser(*body.User); err != nil {
		return of, faulty("#/user", "is no name of a user: "+err.Error())
	}
	return holderNamed(tenant, *body.User), nil
}

// recordReset keeps the record of a reset, where there is a control database, and reports whether
// that was done before: then the reset itself may not have been.
func (h *Handler) recordReset(c *call, done *Reset, v *limit.View, r limit.Reset) (bool, error) {
	if h.Store == nil {
		return false, nil
	}
	windows := []string{}
	for _, w := range limit.Windows {
		if len(r.Windows) == 0 || slices.Contains(r.Windows, w) {
			windows = append(windows, w.String())
		}
	}
	before, err := json.Marshal(newUsage(done.Model, done.of, v))
	if err != nil {
		return false, err
	}
	after, err := json.Marshal(map[string]any{"reset": r.ID, "windows": windows},
		json.Deterministic(true))
	if err != nil {
		return false, err
	}
	done.Revision, err = h.note(c, registry.Note{
		Action: registry.ActionReset, Object: done.Model + "/" + done.of.account,
		Before: string(before), After: string(after),
	})
	if _, repeated := errors.AsType[*registry.RepeatedError](err); repeated {
		return true, nil
	}
	return false, err
}

// note keeps the record of a change that is made elsewhere, and returns its revision.
func (h *Handler) note(c *call, n registry.Note) (revision int64, err error) {
	revision, err = h.Store.Note(c.Context(), n, c.change)
	if err == nil {
		_ = h.Follow(c.Context()) // it is in the log
	}
	return revision, err
}

// resetFailed returns the problem of a reset that is recorded, and of which nobody knows whether
// it was made.
func (h *Handler) resetFailed(c *call, err error) error {
	p := problemOf(err)
	if p.Code == "store_unavailable" {
		p.Detail = "the store of accounts did not answer: the account was reset or not; "
		if c.change.Once != nil {
			p.Detail += "send the request again with the same Idempotency-Key"
		} else {
			p.Detail += "look at its usage, and send the request again if that still counts"
		}
	}
	h.Log.Warn("an account may not have been reset", "error", err)
	return p
}

// counted returns what a reset would clear.
func counted(v *limit.View, r limit.Reset, p *limit.Policy) (sums []limit.ClearedSum) {
	for _, rule := range r.Rules(p) {
		for i := range v.Windows {
			if w := &v.Windows[i]; w.Rule == rule {
				sums = append(sums, limit.ClearedSum{Rule: rule, Sum: w.Used + w.Reserved})
			}
		}
	}
	return sums
}

// cleared returns sums as they are shown; [] for none.
func cleared(sums []limit.ClearedSum) []ClearedMeter {
	list := []ClearedMeter{}
	for _, s := range sums {
		list = append(list, ClearedMeter{s.Rule.Meter.String(), s.Rule.Window.String(), s.Sum})
	}
	return list
}
