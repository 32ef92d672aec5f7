package registrar

import (
	"errors"
	"net/http"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
	"github.com/token-rate-limiter/token-rate-limiter/internal/registry"
)

// Slots are the running requests of a model.
type Slots struct {
	Model    string         `json:"model"`
	At       time.Time      `json:"at"`            // the store's time
	Running  int64          `json:"running"`       // of all replicas that count
	Most     *int64         `json:"running_limit"` // null: none
	Replicas []ReplicaSlots `json:"replicas"`
	// Requests are those of the replica that answers, the oldest first, a thousand at the most:
	// of others nobody knows whose they are.
	Requests []Request `json:"requests"`
}

// ReplicaSlots is what the store knows of a replica.
type ReplicaSlots struct {
	Replica string  `json:"replica"` // its id in the store; "" where no other shares it
	Self    bool    `json:"self"`    // it answers
	Running int64   `json:"running"` // as it was last heard
	Heard   float64 `json:"heard_seconds_ago"`
	Counts  bool    `json:"counts"` // its lease lasts
}

// Request is a request that runs.
type Request struct {
	Tenant string    `json:"tenant"`
	User   string    `json:"user"`
	Since  time.Time `json:"since"` // when it was admitted, by the store's time
}

// showSlots lists what runs, by model.
func (h *Handler) showSlots(c *call) (*answer, error) {
	models, err := h.modelsOf(c)
	if err != nil {
		return nil, err
	}
	q, data := &usageQuery{asker: &c.by}, []Slots{}
	for _, p := range models {
		s, err := h.Accounts.Slots(c.Context(), p.Model())
		if err != nil {
			return nil, err
		}
		data = append(data, newSlots(q, p, &s))
	}
	return newList(data, ""), nil
}

// newSlots returns s as it is shown to who asks by q.
func newSlots(q *usageQuery, p *limit.Policy, s *limit.Slots) Slots {
	shown := Slots{
		Model: p.Model(), At: s.At.Time(), Replicas: []ReplicaSlots{}, Requests: []Request{},
	}
	if most := p.MaxConcurrent(); most != limit.Unlimited {
		shown.Most = &most
	}
	for _, r := range s.Replicas {
		if r.Counts {
			shown.Running += r.Running
		}
		shown.Replicas = append(shown.Replicas, ReplicaSlots{
			r.Replica, r.Self, r.Running, r.Heard.Seconds(), r.Counts,
		})
	}
	for _, r := range s.Own {
		if of := holderOf(r.User); q.shows(of.tenant) {
			shown.Requests = append(shown.Requests, Request{of.tenant, of.user, r.Since.Time()})
		}
	}
	return shown
}

// Freed is what was freed of a replica.
type Freed struct {
	Replica string         `json:"replica"`
	Models  []FreedOfModel `json:"models"`
}

// FreedOfModel is how many running requests of a model count no more.
type FreedOfModel struct {
	Model   string `json:"model"`
	Running int64  `json:"running"`
}

// freeSlots frees what a replica runs that is dead, and whose lease is not over yet. As with a
// reset, the record in the audit comes first: none is freed that is not in it.
func (h *Handler) freeSlots(c *call) (*answer, error) {
	models, err := h.modelsOf(c)
	if err != nil {
		return nil, err
	}
	replica := c.PathValue("replica")
	freed, err := freeEach(models, replica, func(model string) (int64, error) {
		return h.wouldFree(c, model, replica)
	})
	if err != nil || c.change.DryRun {
		return &answer{status: http.StatusOK, body: freed}, err
	}
	if err := h.recordFreed(c, &freed); err != nil {
		return nil, err
	}
	freed, err = freeEach(models, replica, func(model string) (int64, error) {
		return h.Accounts.Free(c.Context(), model, replica)
	})
	if len(freed.Models) > 0 { // also where a later model's were not
		h.Log.Info("slots were freed", "replica", freed.Replica, "models", len(freed.Models),
			"credential", c.change.Credential, "reason", c.change.Reason)
	}
	if err != nil {
		return nil, err
	}
	return &answer{status: http.StatusOK, body: freed}, nil
}

// freeEach frees, by free, what a replica runs of each of the models that it serves.
func freeEach(models []*limit.Policy, replica string, free func(model string) (int64, error),
) (Freed, error) {
	freed := Freed{Replica: replica, Models: []FreedOfModel{}}
	for _, p := range models {
		running, err := free(p.Model())
		live, isLive := errors.AsType[*limit.LiveError](err)
		switch {
		case isLive:
			return freed, problem("replica_alive", "%v: nothing more was freed", live)
		case errors.Is(err, limit.ErrNoReplica):
			continue
		case err != nil:
			return freed, err
		}
		freed.Models = append(freed.Models, FreedOfModel{p.Model(), running})
	}
	if len(freed.Models) == 0 {
		return freed, problem("replica_not_found", "no replica of that id serves such a model: "+
			"GET /api/v1/admin/slots lists them")
	}
	return freed, nil
}

// recordFreed keeps the record of what is to be freed, where there is a control database.
func (h *Handler) recordFreed(c *call, freed *Freed) error {
	if h.Store == nil {
		return nil
	}
	before, err := json.Marshal(freed.Models)
	if err != nil {
		return err
	}
	_, err = h.note(c, registry.Note{
		Action: registry.ActionFree, Object: freed.Replica, Before: string(before),
	})
	return err
}

// wouldFree returns how many running requests of a model would be freed of a replica.
func (h *Handler) wouldFree(c *call, model, replica string) (int64, error) {
	s, err := h.Accounts.Slots(c.Context(), model)
	if err != nil {
		return 0, err
	}
	for _, r := range s.Replicas {
		switch {
		case r.Replica != replica || replica == "":
		case r.Self || r.Heard < limit.SilentFor:
			return 0, &limit.LiveError{Self: r.Self, Heard: r.Heard}
		case r.Counts:
			return r.Running, nil
		default:
			return 0, nil
		}
	}
	return 0, limit.ErrNoReplica
}
