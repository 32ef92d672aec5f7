package admin

import (
	"net/http"
	"net/http/pprof"

	"github.com/token-rate-limiter/token-rate-limiter/internal/identity"
	"github.com/token-rate-limiter/token-rate-limiter/internal/reply"
)

// registerProfiles adds the profiles of the process to mux, where the tools of Go
// look for them. They tell of the code, of memory addresses and of what goroutines
// do, and cost time, so that they are for admins.
func (h *Handler) registerProfiles(mux reply.Routes) {
	mux.Handle("/debug/pprof/", h.get(identity.Admin, pprof.Index))
	for name, serve := range map[string]http.HandlerFunc{
		"cmdline": pprof.Cmdline, "profile": pprof.Profile,
		"symbol": pprof.Symbol, "trace": pprof.Trace,
	} {
		mux.Handle("/debug/pprof/"+name, h.get(identity.Admin, serve))
	}
}
