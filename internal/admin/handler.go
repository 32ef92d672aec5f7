package admin

import (
	"net/http"
	"net/http/pprof"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/catalog"
	"github.com/token-rate-limiter/token-rate-limiter/internal/failure"
	"github.com/token-rate-limiter/token-rate-limiter/internal/gate"
	"github.com/token-rate-limiter/token-rate-limiter/internal/identity"
	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
	"github.com/token-rate-limiter/token-rate-limiter/internal/reply"
)

// Options of a Handler. All but Profiles and Registry are required.
type Options struct {
	Catalog  func() *catalog.Catalog
	Store    limit.Store
	Gate     *gate.Gate
	Metrics  http.Handler     // serves the metrics
	Build    Build            // what /actuator/info says
	Config   func() Effective // what /actuator/env says
	Profiles bool             // lets admins take profiles of the process
	Registry func() Heard     // the control database; nil: there is none
	// Issuers says of each issuer of JWTs whose keys are fetched when they were; the zero time:
	// never.
	Issuers  func() map[string]time.Time
	Draining func() bool // reports whether the gateway is going to take no more requests
}

// Build says what is running.
type Build struct {
	Version string `json:"version"`
	Commit  string `json:"commit"`
	Go      string `json:"go"`
}

// Handler serves administration. It is safe for concurrent use.
type Handler struct {
	Options
	asks chan struct{} // has an element for each request that asks the store for Me
}

// New returns a handler.
func New(o Options) *Handler { return &Handler{o, make(chan struct{}, asksMax)} }

// Register adds to mux what people ask of themselves, what admins ask of users and models, and the
// description of all routes.
func (h *Handler) Register(mux gate.Routes) {
	h.get(mux, "/api/v1/me", gate.Known, h.me)
	h.get(mux, "/api/v1/admin/token-usage/{model}/{user}",
		gate.NeedsInTenant(identity.UsageRead), h.usage)
	h.get(mux, "/openapi.yaml", gate.Open, anyone(h.description))
}

// RegisterOperations adds to mux what operators look at, which may be served in another place.
func (h *Handler) RegisterOperations(mux gate.Routes) {
	h.get(mux, "/actuator", gate.Open, anyone(h.index))
	h.get(mux, "/actuator/health", gate.Open, anyone(h.health))
	h.get(mux, "/actuator/health/liveness", gate.Open, anyone(h.liveness))
	h.get(mux, "/actuator/health/readiness", gate.Open, anyone(h.health))
	h.get(mux, "/actuator/prometheus", gate.Open, anyone(h.Metrics.ServeHTTP))
	h.get(mux, "/actuator/info", gate.Open, anyone(h.info))
	h.get(mux, "/actuator/env", gate.NeedsEverywhere(identity.ConfigRead), anyone(h.env))
	if h.Profiles {
		h.registerProfiles(mux)
	}
}

// serving answers a request, and is told who sends it; nobody, on a route that is open.
type serving func(http.ResponseWriter, *http.Request, *identity.Principal)

// anyone is what answers everybody alike.
func anyone(next http.HandlerFunc) serving {
	return func(w http.ResponseWriter, r *http.Request, _ *identity.Principal) { next(w, r) }
}

// get adds a route to mux that lets GET requests pass of whom the rule lets in.
func (h *Handler) get(mux gate.Routes, pattern string, rule gate.Rule, next serving) {
	serve := func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header()["Allow"] = []string{http.MethodGet}
			reply.Error(w, failure.Method(r.Method, http.MethodGet), 0)
			return
		}
		p, refused := h.Gate.Principal(r, rule)
		if refused != nil {
			reply.Error(w, refused, 0)
			return
		}
		next(w, r, &p)
	}
	mux.Handle(pattern, gate.Rules{http.MethodGet: rule}, http.HandlerFunc(serve))
}

// info says what is running.
func (h *Handler) info(w http.ResponseWriter, _ *http.Request) {
	reply.JSON(w, http.StatusOK, map[string]Build{"build": h.Build})
}

// registerProfiles adds the profiles of the process to mux, where the tools of Go look for them.
// They tell of the code and of memory, and cost time, so that they are for admins.
func (h *Handler) registerProfiles(mux gate.Routes) {
	rule := gate.NeedsEverywhere(identity.ProfilesRead)
	h.get(mux, "/debug/pprof/", rule, anyone(pprof.Index))
	for name, serve := range map[string]http.HandlerFunc{
		"cmdline": pprof.Cmdline, "profile": pprof.Profile,
		"symbol": pprof.Symbol, "trace": pprof.Trace,
	} {
		h.get(mux, "/debug/pprof/"+name, rule, anyone(serve))
	}
}
