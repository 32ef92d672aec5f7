package admin

import (
	"context"
	"net/http"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/proxy"
)

// pingTimeout bounds the question whether the store can decide.
const pingTimeout = time.Second

// report is what the health endpoints answer.
type report struct {
	Status     state                `json:"status"`
	Components map[string]component `json:"components,omitzero"`
}

type component struct {
	Status state  `json:"status"`
	Detail string `json:"detail,omitzero"`
}

type state string

const (
	up   state = "UP"
	down state = "DOWN"
)

// liveness answers as long as the process can.
func (h *Handler) liveness(w http.ResponseWriter, _ *http.Request) {
	proxy.WriteJSON(w, http.StatusOK, report{Status: up})
}

// health says whether requests can be served: the store decides, and the
// gateway is not shutting down. Model servers do not count: without one of
// them the others are served.
func (h *Handler) health(w http.ResponseWriter, r *http.Request) {
	rep := report{Status: up, Components: map[string]component{
		"store":   h.store(r.Context()),
		"gateway": h.gateway(),
	}}
	status := http.StatusOK
	for _, c := range rep.Components {
		if c.Status == down {
			rep.Status, status = down, http.StatusServiceUnavailable
		}
	}
	proxy.WriteJSON(w, status, rep)
}

func (h *Handler) store(ctx context.Context) component {
	ctx, cancel := context.WithTimeout(ctx, pingTimeout)
	defer cancel()
	if h.Store.Ping(ctx) != nil {
		return component{down, "the store does not answer"}
	}
	return component{Status: up}
}

func (h *Handler) gateway() component {
	if h.Draining() {
		return component{down, "shutting down"}
	}
	return component{Status: up}
}
