package admin

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/catalog"
	"github.com/token-rate-limiter/token-rate-limiter/internal/reply"
)

// pingTimeout bounds the check whether the store can decide.
const pingTimeout = time.Second

// report is the answer to questions about health.
type report struct {
	Status     state                `json:"status"`
	Components map[string]component `json:"components,omitzero"`
}

type component struct {
	Status  state    `json:"status"`
	Detail  string   `json:"detail,omitzero"`
	Refused []string `json:"refused,omitzero"` // models
	// Commands are those that the store refuses although what it keeps needs them.
	Commands []string `json:"commands,omitzero"`
	Unserved []string `json:"unserved,omitzero"` // models of which no server is healthy
	Unread   []string `json:"unread,omitzero"`   // issuers of JWTs whose keys were never read
}

type state string

const (
	up   state = "UP"
	down state = "DOWN"
)

// liveness answers as long as the process can.
func (h *Handler) liveness(w http.ResponseWriter, _ *http.Request) {
	reply.JSON(w, http.StatusOK, report{Status: up})
}

// health says whether requests of one model at least can be served: the store decides and takes
// what concerns it, or nothing limits it; and the gateway is not shutting down. Model servers do
// not count: another replica would find none either. Which models have none is told all the same.
// Nor do issuers of JWTs, whose keys are told of: API keys are taken without them.
// The control database counts until it was heard once.
func (h *Handler) health(w http.ResponseWriter, r *http.Request) {
	store := h.store(r.Context())
	rep := report{Status: up, Components: map[string]component{
		"store": store, "models": h.models(), "gateway": h.gateway(),
	}}
	status := http.StatusOK
	for name, c := range rep.Components {
		if c.Status == down && (name != "store" || !h.servesWithout()) {
			rep.Status, status = down, http.StatusServiceUnavailable
		}
	}
	rep.Components["servers"] = h.servers()
	if issuers := h.Issuers(); len(issuers) > 0 {
		rep.Components["issuers"] = keysOf(issuers)
	}
	if h.Registry != nil {
		heard := h.Registry()
		rep.Components["controlDatabase"] = heard.component()
		if heard == Unheard {
			rep.Status, status = down, http.StatusServiceUnavailable
		}
	}
	reply.JSON(w, status, rep)
}

func (h *Handler) store(ctx context.Context) component {
	ctx, cancel := context.WithTimeout(ctx, pingTimeout)
	defer cancel()
	if h.Store.Ping(ctx) != nil {
		return component{Status: down, Detail: "the store does not answer"}
	}
	return component{Status: up}
}

// servesWithout reports whether one of the models needs no store, for nothing limits it.
func (h *Handler) servesWithout() bool {
	unlimited := func(m *catalog.Model) bool { return !m.Policy.Limits() }
	return slices.ContainsFunc(h.Catalog().All(), unlimited)
}

// models says of which models the store takes nothing. It is asked after the store.
func (h *Handler) models() component {
	c := component{Status: up}
	served := h.Catalog().All()
	for _, m := range served {
		err := h.Store.Refused(m.Policy.Model())
		if err == nil {
			continue
		}
		c.Refused = append(c.Refused, m.Name)
		var lacking interface{ Lacking() string }
		if errors.As(err, &lacking) {
			if name := lacking.Lacking(); name != "" && !slices.Contains(c.Commands, name) {
				c.Commands = append(c.Commands, name)
			}
		}
	}
	switch {
	case len(c.Refused) == 0:
	case len(c.Refused) == len(served) && !h.servesWithout():
		c.Status, c.Detail = down, "the store refuses what concerns every model; the log says why"
	default:
		c.Detail = "the store refuses what concerns some models; the log says why"
	}
	return c
}

// servers says of which models no model server is healthy, when somebody last looked.
func (h *Handler) servers() component {
	c := component{Status: up}
	all := h.Catalog().All()
	for _, m := range all {
		if !m.Pool.Served() {
			c.Unserved = append(c.Unserved, m.Name)
		}
	}
	switch len(c.Unserved) {
	case 0:
	case len(all):
		c.Status, c.Detail = down, "no model has a model server that is well; the log says why"
	default:
		c.Detail = "some models have no model server that is well; the log says why"
	}
	return c
}

// keysOf says of which issuers no key was read yet, and no JWT is taken.
func keysOf(issuers map[string]time.Time) component {
	c := component{Status: up}
	for name, read := range issuers {
		if read.IsZero() {
			c.Unread = append(c.Unread, name)
		}
	}
	slices.Sort(c.Unread)
	switch len(c.Unread) {
	case 0:
	case len(issuers):
		c.Status, c.Detail = down, "the keys of no issuer of JWTs were read yet; the log says why"
	default:
		c.Detail = "the keys of some issuers of JWTs were not read yet; the log says why"
	}
	return c
}

func (h *Handler) gateway() component {
	if h.Draining() {
		return component{Status: down, Detail: "shutting down"}
	}
	return component{Status: up}
}

// Heard is how the control database stands with this gateway.
type Heard int

// What it can be. While the database is away, the keys that are known are served; a gateway that
// has not heard it since it started knows none.
const (
	Unheard Heard = iota
	Away
	Followed
)

func (s Heard) component() component {
	switch s {
	case Followed:
		return component{Status: up}
	case Away:
		return component{Status: down, Detail: "the control database does not answer; " +
			"keys that are known keep working"}
	}
	return component{Status: down, Detail: "the control database was not heard since the start; " +
		"its keys are not known yet"}
}
