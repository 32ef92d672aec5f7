package proxy

import (
	"net/http"
	"strconv"

	"github.com/go-json-experiment/json"

	"github.com/token-rate-limiter/token-rate-limiter/internal/auth"
	"github.com/token-rate-limiter/token-rate-limiter/internal/catalog"
	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
	"github.com/token-rate-limiter/token-rate-limiter/internal/openai"
)

// modelItem is a model in OpenAI's list. The members behind owned_by are only
// for those who may see them.
type modelItem struct {
	ID      string `json:"id"`
	Object  string `json:"object"`
	Created int64  `json:"created"`
	OwnedBy string `json:"owned_by"`

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

// list answers with the models, in OpenAI's shape.
func (h *Handler) list(w http.ResponseWriter, r *http.Request) {
	if _, refused := h.gate.Permit(r, ""); refused != nil {
		WriteError(w, refused, 0)
		return
	}
	h.writeModels(w, newItem)
}

// listInFull adds limits and health for those who may see them.
func (h *Handler) listInFull(w http.ResponseWriter, r *http.Request) {
	p, refused := h.gate.Permit(r, "")
	if refused != nil {
		WriteError(w, refused, 0)
		return
	}
	h.writeModels(w, func(m *catalog.Model) modelItem { return itemFor(m, &p) })
}

func (h *Handler) writeModels(w http.ResponseWriter, item func(*catalog.Model) modelItem) {
	list := struct {
		Object string      `json:"object"`
		Data   []modelItem `json:"data"`
	}{Object: "list", Data: []modelItem{}}
	for _, m := range h.Catalog().All() {
		list.Data = append(list.Data, item(m))
	}
	WriteJSON(w, http.StatusOK, list)
}

// show answers with one model.
func (h *Handler) show(w http.ResponseWriter, r *http.Request) {
	p, refused := h.gate.Permit(r, "")
	if refused != nil {
		WriteError(w, refused, 0)
		return
	}
	m, ok := h.Catalog().Find(r.PathValue("model"))
	if !ok {
		WriteError(w, openai.ModelNotFound(r.PathValue("model")), 0)
		return
	}
	WriteJSON(w, http.StatusOK, itemFor(m, &p))
}

// health asks the model servers and answers 200 if one is well, else 503.
func (h *Handler) health(w http.ResponseWriter, r *http.Request) {
	if _, refused := h.gate.Permit(r, ""); refused != nil {
		WriteError(w, refused, 0)
		return
	}
	m, ok := h.Catalog().Find(r.PathValue("model"))
	if !ok {
		WriteError(w, openai.ModelNotFound(r.PathValue("model")), 0)
		return
	}
	state, status := "UP", http.StatusOK
	if m.Hold() { // or else it is being replaced
		defer m.Release()
	}
	if !m.Pool.Check(r.Context()) {
		state, status = "DOWN", http.StatusServiceUnavailable
	}
	WriteJSON(w, status, map[string]string{"model": m.Name, "status": state})
}

func newItem(m *catalog.Model) modelItem {
	return modelItem{ID: m.Name, Object: "model", OwnedBy: "token-rate-limiter"}
}

// itemFor returns what p may see of m.
func itemFor(m *catalog.Model, p *auth.Principal) modelItem {
	item := newItem(m)
	if !p.Is(auth.Admin) {
		return item
	}
	item.ServedAs, item.ContextLength = m.ServedAs, m.Pricer.ContextLength()
	for _, e := range m.Pool.Endpoints() {
		item.Endpoints = append(item.Endpoints, endpointItem{
			Address: e.Server, Healthy: e.Healthy, Reason: e.Reason, Breaker: e.Breaker.String(), Running: e.Running,
		})
	}
	for _, r := range m.Policy.Rules() {
		item.Limits = append(item.Limits, limitItem{r.Scope.String(), r.Meter.String(), r.Window.String(), r.Max})
	}
	for _, g := range []limit.Gauge{
		{Scope: limit.ModelScope, Max: m.Policy.MaxConcurrent()}, {Scope: limit.UserScope, Max: m.Policy.MaxConcurrentPerUser()},
	} {
		if g.Max != limit.Unlimited {
			item.Limits = append(item.Limits, limitItem{Scope: g.Scope.String(), Meter: concurrentRequests, Limit: g.Max})
		}
	}
	return item
}

// WriteJSON writes v as an answer of the gateway's own.
func WriteJSON(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v, json.Deterministic(true))
	if err != nil {
		WriteError(w, openai.Internal(), 0)
		return
	}
	h := w.Header()
	h["Content-Type"] = []string{"application/json"}
	h["Content-Length"] = []string{strconv.Itoa(len(body))}
	w.WriteHeader(status)
	// The client may have left; there is nobody to tell.
	_, _ = w.Write(body)
}
