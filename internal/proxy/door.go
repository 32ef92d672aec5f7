package proxy

import (
	"net/http"
	"sync"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/failure"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire"
)

// drainWait is when to come back to a replica that is shutting down: at once,
// for the next connection reaches another one.
const drainWait = time.Second

// door counts the requests that are running, and can be shut for new ones. The
// zero value is open. It is safe for concurrent use.
type door struct {
	mu     sync.Mutex
	inside int
	empty  chan struct{} // nil while the door is open; closed once it is shut and nobody is inside
}

// enter reports whether a request may run. One that may calls leave at its end.
func (d *door) enter() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.empty != nil {
		return false
	}
	d.inside++
	return true
}

func (d *door) leave() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.inside--
	if d.inside == 0 && d.empty != nil {
		close(d.empty)
	}
}

// shut lets nobody in any more, and returns what is closed once nobody is
// inside.
func (d *door) shut() <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.empty == nil {
		d.empty = make(chan struct{})
		if d.inside == 0 {
			close(d.empty)
		}
	}
	return d.empty
}

// Drain refuses new requests from now on, while the running ones go on. What it
// returns is closed when the last of them is settled; at once if none is
// running. Requests that only list models are answered all the same.
func (h *Handler) Drain() <-chan struct{} { return h.door.shut() }

// refuse answers a request that came after Drain. It starts nothing and costs
// nothing, and is the last one of its connection, so that the client's next one
// reaches another replica.
func (h *Handler) refuse(w http.ResponseWriter, r *http.Request, e wire.Endpoint) {
	x := h.begin(w, r, e)
	defer h.end(x)
	w.Header()["Connection"] = []string{"close"}
	x.fail(failure.ShuttingDown(drainWait))
}
