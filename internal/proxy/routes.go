package proxy

import (
	"net/http"

	"github.com/token-rate-limiter/token-rate-limiter/internal/gate"
	"github.com/token-rate-limiter/token-rate-limiter/internal/identity"
	"github.com/token-rate-limiter/token-rate-limiter/internal/reply"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire"
)

// Register adds the data plane to mux. What mux does not know is to be answered
// by reply.NotFound: nothing else is ever passed on. reply.WithRequestID has to come before.
func (h *Handler) Register(mux gate.Routes) {
	use := gate.Rules{http.MethodPost: gate.NeedsInTenant(identity.ModelsUse)}
	for _, e := range wire.Endpoints {
		serve := reply.Only(http.MethodPost, e, func(w http.ResponseWriter, r *http.Request) {
			h.serve(w, r, e)
		})
		for _, path := range e.Paths() {
			mux.Handle(path, use, serve)
		}
		if e != wire.CountTokens {
			mux.Handle("/api/v1/models/{model}"+e.Operation(), use, serve)
		}
	}
	look := gate.Rules{http.MethodGet: gate.Known}
	mux.Handle("/v1/models", look, reply.Only(http.MethodGet, 0, h.list(noDetails)))
	// A name may have slashes.
	mux.Handle("/v1/models/{model...}", look, reply.Only(http.MethodGet, 0, h.show(noDetails)))
	mux.Handle("/api/v1/models", look, reply.Only(http.MethodGet, 0, h.list(detailsFor)))
	mux.Handle("/api/v1/models/{model}", look,
		reply.Only(http.MethodGet, 0, h.show(detailsFor)))
	mux.Handle("/api/v1/models/{model}/health", look,
		reply.Only(http.MethodGet, 0, h.health))
	mux.Handle("/", gate.Rules{gate.AnyMethod: gate.Open}, http.HandlerFunc(reply.NotFound))
}
