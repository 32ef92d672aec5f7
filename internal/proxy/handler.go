package proxy

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"runtime/debug"
	"sync"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/buffer"
	"github.com/token-rate-limiter/token-rate-limiter/internal/catalog"
	"github.com/token-rate-limiter/token-rate-limiter/internal/failure"
	"github.com/token-rate-limiter/token-rate-limiter/internal/gate"
	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
	"github.com/token-rate-limiter/token-rate-limiter/internal/outcome"
	"github.com/token-rate-limiter/token-rate-limiter/internal/reply"
	"github.com/token-rate-limiter/token-rate-limiter/internal/telemetry"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire"
)

// Options of a Handler. All but Readers, Tracer and Buffers are required.
type Options struct {
	Catalog func() *catalog.Catalog // the models that are served at the moment
	Store   limit.Store
	Gate    *gate.Gate       // which knows who callers are
	Readers []outcome.Reader // of what requests came to
	Log     *slog.Logger
	Tracer  *telemetry.Tracer // nil: no traces

	MaxBodyBytes int64
	// Buffers bounds what is held of bodies and answers; nil: nothing does.
	Buffers *buffer.Budget
	// BodyTimeout is how long the server waits for a request's body: its read
	// deadline, which the handler lifts once the body is there.
	BodyTimeout time.Duration
}

// Handler serves the data plane. It is safe for concurrent use.
type Handler struct {
	Options
	herd      herd
	door      sync.RWMutex // held for reading by requests that run
	exchanges sync.Pool
}

// New returns a handler.
func New(o Options) *Handler {
	if o.Buffers == nil {
		o.Buffers = buffer.NewBudget(0)
	}
	h := &Handler{Options: o}
	h.exchanges.New = func() any { return newExchange() }
	return h
}

// serve takes one request through its life.
func (h *Handler) serve(w http.ResponseWriter, r *http.Request, e wire.Endpoint) {
	reply.RepeatID(w.Header(), e)
	if !h.door.TryRLock() {
		h.refuse(w, r, e)
		return
	}
	defer h.door.RUnlock()
	x := h.begin(w, r, e)
	defer h.end(x)
	defer x.ticket.Close()
	defer x.rescue()
	if err := x.run(); err != nil {
		x.fail(err)
	}
}

// run takes the steps of a request, in order. Settling follows, whatever happens: see serve.
func (x *exchange) run() error {
	if err := x.identify(); err != nil {
		return err
	}
	if err := x.resolve(); err != nil {
		return err
	}
	if err := x.price(); err != nil {
		return err
	}
	if err := x.reserve(); err != nil {
		return err
	}
	if answered, err := x.forward(); answered || err != nil {
		return err
	}
	return x.relay()
}

// rescue answers for a fault of the gateway itself, which must not look like an
// answer, nor go unnoticed.
func (x *exchange) rescue() {
	fault := recover()
	if fault == nil {
		return
	}
	if fault == http.ErrAbortHandler {
		panic(fault) // see breakOff
	}
	if x.response != nil {
		_ = x.response.Body.Close()
	}
	x.h.Log.Error("a fault of the gateway",
		"id", x.id, "fault", fault, "stack", string(debug.Stack()))
	if x.status != 0 {
		x.err = failure.Internal()
		panic(http.ErrAbortHandler) // breaks off what has begun
	}
	x.fail(failure.Internal())
}

// fail answers with err, unless an answer has begun.
func (x *exchange) fail(err error) {
	x.err = err
	if x.status != 0 {
		return
	}
	x.ticket.Close() // before the answer: a client who does not read lets it wait
	if errors.Is(err, context.Canceled) {
		x.leave()
		return
	}
	told := failure.Of(err)
	x.status = reply.StatusOf(told)
	reply.Error(x.w, told, x.endpoint)
}

// leave ends the exchange with a client that is gone. One that has only shut its
// own side of the connection gets a status that no success has.
func (x *exchange) leave() {
	x.status = reply.StatusClientGone
	x.closeConnection()
	x.w.WriteHeader(x.status)
}

// closeConnection makes the answer the last one of its connection, because
// where the next request would begin on it is not known. A request of HTTP/2 has
// a stream of its own, and is none of its neighbours' business.
func (x *exchange) closeConnection() {
	if x.r.ProtoMajor == 1 {
		x.w.Header()["Connection"] = []string{"close"}
	}
}
