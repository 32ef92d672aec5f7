package registrar

import (
	"context"
	"math"
	"net/http"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/registry"
)

// Revision is what has been changed, and what each replica has applied of it.
type Revision struct {
	Revision int64     `json:"revision"` // of the last change
	Replica  string    `json:"replica"`  // the one that answers
	Applied  int64     `json:"applied"`  // by it
	Replicas []Replica `json:"replicas"` // those that were heard lately
	// Everywhere tells that all of them have applied the revision that was asked for.
	Everywhere bool `json:"everywhere"`
}

// Replica is what a replica has applied.
type Replica struct {
	ID      string    `json:"id"`
	Applied int64     `json:"applied"`
	SeenAt  time.Time `json:"seen_at"` // by the database's clock
}

// waitMax is the longest that a question for the revision waits, in seconds.
const waitMax = 10

// showRevision tells which revision there is and what each replica has applied. With wait it
// answers when all of them have applied the revision at_least, or that of now; or when the time
// is over, which is no error.
func (h *Handler) showRevision(c *call) (*answer, error) {
	wait, err := c.number("wait", 0, waitMax, 0)
	if err != nil {
		return nil, err
	}
	least, err := c.number("at_least", 0, math.MaxInt64, 0)
	if err != nil {
		return nil, err
	}
	if h.Store == nil {
		return &answer{status: http.StatusOK, body: Revision{
			Replica: h.Replica, Replicas: []Replica{}, Everywhere: least == 0,
		}}, nil
	}
	last, err := h.Store.Revision(c.Context())
	if err != nil {
		return nil, err
	}
	if !c.query.Has("at_least") {
		least = last.Number
	}
	ctx, cancel := context.WithTimeout(c.Context(), time.Duration(wait)*time.Second)
	defer cancel()
	all, everywhere, err := registry.AwaitApplied(ctx, h.Store, least)
	if err != nil {
		return nil, err
	}
	if last, err = h.Store.Revision(c.Context()); err != nil {
		return nil, err
	}
	shown := Revision{
		Revision: last.Number, Replica: h.Replica, Applied: h.Applied(),
		Replicas: make([]Replica, len(all)), Everywhere: everywhere,
	}
	for i, r := range all {
		shown.Replicas[i] = Replica{r.ID, r.Applied, r.Seen}
	}
	return &answer{status: http.StatusOK, body: shown}, nil
}
