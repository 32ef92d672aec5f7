package admin

import (
	"net/http"
	"net/http/pprof"

	"github.com/token-rate-limiter/token-rate-limiter/internal/catalog"
	"github.com/token-rate-limiter/token-rate-limiter/internal/failure"
	"github.com/token-rate-limiter/token-rate-limiter/internal/gate"
	"github.com/token-rate-limiter/token-rate-limiter/internal/identity"
	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
	"github.com/token-rate-limiter/token-rate-limiter/internal/reply"
)

// Options of a Handler. All but Profiles are required.
type Options struct {
	Catalog  func() *catalog.Catalog
	Store    limit.Store
	Gate     *gate.Gate
	Metrics  http.Handler     // serves the metrics
	Build    Build            // what /actuator/info says
	Config   func() Effective // what /actuator/env says
	Profiles bool             // lets admins take profiles of the process
	Registry func() Heard     // the control database; nil: there is none
	Draining func() bool      // reports whether the gateway is going to take no more requests
}

// Build says what is running.
type Build struct {
	Version string `json:"version"`
	Commit  string `json:"commit"`
	Go      string `json:"go"`
}

// Handler serves administration. It is safe for concurrent use.
type Handler struct{ Options }

// New returns a handler.
func New(o Options) *Handler { return &Handler{o} }

// Register adds to mux what admins ask of users and models.
func (h *Handler) Register(mux reply.Routes) {
	mux.Handle("/api/v1/admin/token-usage/{model}/{user}", h.get(identity.Admin, h.usage))
}

// RegisterOperations adds to mux what operators look at, which may be served in another place.
func (h *Handler) RegisterOperations(mux reply.Routes) {
	mux.Handle("/actuator", h.get("", h.index))
	mux.Handle("/actuator/health", h.get("", h.health))
	mux.Handle("/actuator/health/liveness", h.get("", h.liveness))
	mux.Handle("/actuator/health/readiness", h.get("", h.health))
	mux.Handle("/actuator/prometheus", h.get("", h.Metrics.ServeHTTP))
	mux.Handle("/actuator/info", h.get("", h.info))
	mux.Handle("/actuator/env", h.get(identity.Admin, h.env))
	if h.Profiles {
		h.registerProfiles(mux)
	}
}

// get lets GET requests of principals with the role pass; an empty role is everybody.
func (h *Handler) get(role identity.Role, next http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header()["Allow"] = []string{http.MethodGet}
			reply.Error(w, failure.Method(r.Method, http.MethodGet), 0)
			return
		}
		if role != "" {
			if _, refused := h.Gate.Principal(r, role); refused != nil {
				reply.Error(w, refused, 0)
				return
			}
		}
		next(w, r)
	})
}

// info says what is running.
func (h *Handler) info(w http.ResponseWriter, _ *http.Request) {
	reply.JSON(w, http.StatusOK, map[string]Build{"build": h.Build})
}

// registerProfiles adds the profiles of the process to mux, where the tools of Go look for them.
// They tell of the code and of memory, and cost time, so that they are for admins.
func (h *Handler) registerProfiles(mux reply.Routes) {
	mux.Handle("/debug/pprof/", h.get(identity.Admin, pprof.Index))
	for name, serve := range map[string]http.HandlerFunc{
		"cmdline": pprof.Cmdline, "profile": pprof.Profile,
		"symbol": pprof.Symbol, "trace": pprof.Trace,
	} {
		mux.Handle("/debug/pprof/"+name, h.get(identity.Admin, serve))
	}
}
