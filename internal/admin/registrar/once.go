package registrar

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/registry"
)

const (
	// onceHeader is the field that makes a POST safe to be sent again.
	onceHeader = "Idempotency-Key"
	// onceBytesMax bounds it.
	onceBytesMax = 255
	// runningWait is when to come back for the answer of a request that is running.
	runningWait = time.Second
)

// running are the requests with an Idempotency-Key that this replica is carrying out. Those of
// other replicas wait for each other in the database.
type running struct {
	mu  sync.Mutex
	ids map[registry.Sum]bool
}

// begin notes that a request runs, and reports whether it is the only one.
func (r *running) begin(id registry.Sum) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ids[id] {
		return false
	}
	if r.ids == nil {
		r.ids = map[registry.Sum]bool{}
	}
	r.ids[id] = true
	return true
}

// end notes that a request has ended.
func (r *running) end(id registry.Sum) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.ids, id)
}

// once reads the body of a POST into the struct that body points at, and has do carry it out,
// unless a request with the same Idempotency-Key has been carried out: that is answered with
// what it changed, as it is now, and without a secret. A dry run is carried out each time.
func (h *Handler) once(c *call, body any, do func() (*answer, error)) (*answer, error) {
	text, err := h.read(c, mediaJSON)
	if err != nil {
		return nil, err
	}
	if err := parse(text, body); err != nil {
		return nil, err
	}
	once, err := onceOf(c, text)
	if err != nil {
		return nil, err
	}
	if once == nil || c.change.DryRun {
		return do()
	}
	if !h.running.begin(once.ID) {
		p := problem("request_in_progress",
			"a request with this Idempotency-Key is being carried out: ask again for its answer")
		p.Retry = runningWait
		return nil, p
	}
	defer h.running.end(once.ID)
	c.change.Once = once
	a, err := do()
	if done, ok := errors.AsType[*registry.RepeatedError](err); ok {
		return h.replay(c, done.Object)
	}
	return a, err
}

// replay answers a request that was carried out before.
func (h *Handler) replay(c *call, id string) (*answer, error) {
	k, err := h.Store.Key(c.Context(), id)
	if err != nil {
		return nil, err
	}
	a := h.shown(http.StatusOK, &k)
	if a.replayed = true; c.Pattern == Base+"/keys" {
		a.status, a.location = http.StatusCreated, locationOf(id)
	}
	return a, nil
}

// onceOf returns what tells a request from others: who sends it, what for, and its key; nil
// where it has none. Who sends it is a user: with another credential it is the same request.
func onceOf(c *call, body []byte) (*registry.Once, error) {
	keys := c.Header.Values(onceHeader)
	if len(keys) == 0 {
		return nil, nil
	}
	if len(keys) > 1 || keys[0] == "" || len(keys[0]) > onceBytesMax {
		return nil, misheaded("invalid_request", onceHeader, fmt.Sprintf(
			"must be sent once, with 1 to %d characters", onceBytesMax))
	}
	id := sha256.New()
	for _, part := range []string{
		c.by.Tenant, c.by.Actor(), c.Method, c.URL.Path, keys[0],
	} {
		fmt.Fprintf(id, "%d %s\n", len(part), part) // no part passes for another
	}
	return &registry.Once{ID: registry.Sum(id.Sum(nil)), Body: sha256.Sum256(body)}, nil
}
