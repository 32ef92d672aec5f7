package proxy

import (
	"net/http"
	"slices"

	"github.com/token-rate-limiter/token-rate-limiter/internal/catalog"
	"github.com/token-rate-limiter/token-rate-limiter/internal/failure"
	"github.com/token-rate-limiter/token-rate-limiter/internal/gate"
	"github.com/token-rate-limiter/token-rate-limiter/internal/identity"
	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
	"github.com/token-rate-limiter/token-rate-limiter/internal/reply"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire"
)

// modelItem is a model in OpenAI's form.
type modelItem struct {
	ID      string `json:"id"`
	Object  string `json:"object"`
	Created int64  `json:"created"`
	OwnedBy string `json:"owned_by"`
	modelDetails
}

// modelInfo is a model in Anthropic's form.
type modelInfo struct {
	Type        string `json:"type"`
	ID          string `json:"id"`
	DisplayName string `json:"display_name"`
	CreatedAt   string `json:"created_at"` // the epoch: it is not known
	Lifecycle   string `json:"lifecycle"`
	modelDetails
}

// modelDetails is what is only for those who may see it.
type modelDetails struct {
	ServedAs      string         `json:"served_as,omitzero"`
	ContextLength int64          `json:"context_length,omitzero"`
	Limits        []limitItem    `json:"limits,omitzero"`
	Endpoints     []endpointItem `json:"endpoints,omitzero"`
}

type limitItem struct {
	Scope  string `json:"scope"`
	Meter  string `json:"meter"`
	Window string `json:"window,omitzero"`
	Limit  int64  `json:"limit"`
}

type endpointItem struct {
	Address string `json:"address"`
	Healthy bool   `json:"healthy"` // when somebody last looked
	Reason  string `json:"reason,omitzero"`
	Breaker string `json:"circuit_breaker"`
	Running int    `json:"running"` // requests of this replica
}

// detailing returns what is told to a principal of a model beside its name.
type detailing func(*catalog.Model, *identity.Principal) modelDetails

// noDetails is the detailing of what libraries ask for.
func noDetails(*catalog.Model, *identity.Principal) modelDetails { return modelDetails{} }

// list answers with the models, in the form that the client expects.
func (h *Handler) list(details detailing) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		shape := reply.ShapeOf(r)
		p, refused := h.Gate.Principal(r, gate.Known)
		if refused != nil {
			reply.Error(w, refused, shape)
			return
		}
		models := reachable(h.Catalog().All(), p.Reach)
		items := make([]any, len(models))
		for i, m := range models {
			items[i] = newItem(shape, m, details(m, &p))
		}
		reply.RepeatID(w.Header(), shape)
		reply.JSON(w, http.StatusOK, newList(shape, models, items))
	}
}

// reachable returns those of the models that a reach allows.
func reachable(models []*catalog.Model, reach *identity.Reach) []*catalog.Model {
	if reach.Models() == nil {
		return models
	}
	return slices.DeleteFunc(slices.Clone(models), func(m *catalog.Model) bool {
		return !reach.AllowsModel(m.Name)
	})
}

// newList returns the list of models that items are of, whole.
func newList(shape wire.Endpoint, models []*catalog.Model, items []any) any {
	if !shape.Anthropic() {
		return struct {
			Object string `json:"object"`
			Data   []any  `json:"data"`
		}{"list", items}
	}
	list := struct {
		Data    []any   `json:"data"`
		HasMore bool    `json:"has_more"`
		FirstID *string `json:"first_id"` // null: the list is empty
		LastID  *string `json:"last_id"`
	}{Data: items}
	if n := len(models); n > 0 {
		list.FirstID, list.LastID = &models[0].Name, &models[n-1].Name
	}
	return list
}

// addressed returns who sends a request, and the model that its path names; nil where it
// has been refused. A model that the principal may not use is as one that there is not.
func (h *Handler) addressed(
	w http.ResponseWriter, r *http.Request,
) (identity.Principal, *catalog.Model) {
	p, refused := h.Gate.Principal(r, gate.Known)
	m, ok := h.Catalog().Find(r.PathValue("model"))
	if refused == nil && (!ok || !p.Reach.AllowsModel(m.Name)) {
		refused = failure.NoModel(r.PathValue("model"))
	}
	if refused != nil {
		reply.Error(w, refused, reply.ShapeOf(r))
		return p, nil
	}
	return p, m
}

// show answers with one model, in the form that the client expects.
func (h *Handler) show(details detailing) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		p, m := h.addressed(w, r)
		if m == nil {
			return
		}
		shape := reply.ShapeOf(r)
		reply.RepeatID(w.Header(), shape)
		reply.JSON(w, http.StatusOK, newItem(shape, m, details(m, &p)))
	}
}

// health asks the model servers and answers 200 if one is well, else 503.
func (h *Handler) health(w http.ResponseWriter, r *http.Request) {
	_, m := h.addressed(w, r)
	if m == nil {
		return
	}
	state, status := "UP", http.StatusOK
	if m.Hold() { // or else it is being replaced
		defer m.Release()
	}
	if !m.Pool.Check(r.Context()) {
		state, status = "DOWN", http.StatusServiceUnavailable
	}
	reply.JSON(w, status, map[string]string{"model": m.Name, "status": state})
}

// newItem returns a model in Anthropic's form or in OpenAI's.
func newItem(shape wire.Endpoint, m *catalog.Model, d modelDetails) any {
	if shape.Anthropic() {
		return modelInfo{
			Type: "model", ID: m.Name, DisplayName: m.Name, CreatedAt: "1970-01-01T00:00:00Z",
			Lifecycle: "active", modelDetails: d,
		}
	}
	return modelItem{ID: m.Name, Object: "model", OwnedBy: "token-rate-limiter", modelDetails: d}
}

// detailsFor returns what p may see of m.
func detailsFor(m *catalog.Model, p *identity.Principal) modelDetails {
	if !p.May(identity.ModelsRead) {
		return modelDetails{}
	}
	item := modelDetails{ServedAs: m.ServedAs, ContextLength: m.Pricer.ContextLength()}
	for _, e := range m.Pool.States() {
		item.Endpoints = append(item.Endpoints, endpointItem{
			Address: e.Server, Healthy: e.Healthy, Reason: e.Reason,
			Breaker: e.Breaker.String(), Running: e.Running,
		})
	}
	for _, r := range m.Policy.Rules() {
		l := limitItem{r.Scope.String(), r.Meter.String(), r.Window.String(), r.Max}
		item.Limits = append(item.Limits, l)
	}
	item.running(limit.ModelScope, m.Policy.MaxConcurrent())
	item.running(limit.UserScope, m.Policy.MaxConcurrentPerUser())
	return item
}

// running adds a limit of running requests, if there is one.
func (d *modelDetails) running(s limit.Scope, most int64) {
	if most != limit.Unlimited {
		l := limitItem{Scope: s.String(), Meter: limit.ConcurrentRequests, Limit: most}
		d.Limits = append(d.Limits, l)
	}
}
