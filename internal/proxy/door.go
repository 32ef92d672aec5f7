package proxy

import (
	"net/http"
	"runtime"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/failure"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire"
)

// drainWait is when to come back to a replica that is shutting down: at once,
// for the next connection reaches another one.
const drainWait = time.Second

// Drain refuses new requests from now on, while the running ones go on. What it
// returns is closed when the last of them is settled; at once if none is
// running. Requests that only list models are answered all the same. It is called once.
func (h *Handler) Drain() <-chan struct{} {
	ended := make(chan struct{})
	go func() {
		h.door.Lock() // for good
		close(ended)
	}()
	for h.door.TryRLock() { // nobody gets in once the lock is waited for
		h.door.RUnlock()
		runtime.Gosched()
	}
	return ended
}

// refuse answers a request that came after Drain. It starts nothing and costs
// nothing, and is the last one of its connection, so that the client's next one
// reaches another replica.
func (h *Handler) refuse(w http.ResponseWriter, r *http.Request, e wire.Endpoint) {
	x := h.begin(w, r, e)
	defer h.end(x)
	w.Header()["Connection"] = []string{"close"}
	x.fail(failure.ShuttingDown(drainWait))
}
