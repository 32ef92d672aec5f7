package registrar

import (
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
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
		if tenant, user := accountName(r.User).holder(); q.shows(tenant) {
			shown.Requests = append(shown.Requests, Request{tenant, user, r.Since.Time()})
		}
	}
	return shown
}
