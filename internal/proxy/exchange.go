package proxy

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/buffer"
	"github.com/token-rate-limiter/token-rate-limiter/internal/catalog"
	"github.com/token-rate-limiter/token-rate-limiter/internal/identity"
	"github.com/token-rate-limiter/token-rate-limiter/internal/outcome"
	"github.com/token-rate-limiter/token-rate-limiter/internal/reply"
	"github.com/token-rate-limiter/token-rate-limiter/internal/upstream"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/answer"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/request"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/sse"
)

// pooledBytesMax is the largest buffer that an exchange keeps for the next
// request. What is kept for nobody counts nowhere, so it is little.
const pooledBytesMax = 64 << 10

// exchange is one request and its answer. It is pooled: nothing of it may be
// used after Handler.end.
type exchange struct {
	transient
	attempt

	share buffer.Share // of the bytes that may be held

	record outcome.Record // made at the end

	// What is kept for the next request, emptied.
	answer   []byte // what goes back
	scanner  sse.Scanner
	stream   answer.Stream
	outgoing []upstream.Field // the header that is sent upstream
	body     []byte           // the client's
	patched  []byte           // what is sent upstream, where it differs
}

// transient is the part of an exchange that is forgotten with it.
type transient struct {
	h        *Handler
	w        http.ResponseWriter
	r        *http.Request
	ctx      context.Context // of the request: it ends when the client leaves
	control  http.ResponseController
	endpoint wire.Endpoint
	id       string // of the request
	begun    time.Time
	explains bool // the log says what is decided of it, and why

	principal identity.Principal
	served    *catalog.Catalog // the models when the request was read
	request   request.Request
	earlier   []outcome.Attempt // on models that were given up; they are held
	status    int               // of the answer to the client; 0 while there is none

	spans spans

	err error // what went wrong
}

// begin takes an exchange for a request.
func (h *Handler) begin(w http.ResponseWriter, r *http.Request, e wire.Endpoint) *exchange {
	x := h.exchanges.Get().(*exchange)
	x.h, x.w, x.r, x.ctx, x.endpoint, x.begun = h, w, r, r.Context(), e, time.Now()
	x.control = *http.NewResponseController(w)
	x.id = header(r.Header, reply.IDHeader) // from reply.WithRequestID
	x.explains = h.Log.Enabled(x.ctx, slog.LevelDebug)
	x.share.Begin(h.Buffers, x)
	x.beginTrace()
	return x
}

// end makes the record, has it read, and gives the exchange back.
func (h *Handler) end(x *exchange) {
	if x.status == 0 {
		x.status = reply.StatusClientGone
	}
	x.report()
	x.attempt.end()
	for i := range x.earlier {
		x.earlier[i].Model.Release()
	}
	clear(x.outgoing)
	x.scanner.Reset(nil)
	x.outgoing = x.outgoing[:0]
	x.body, x.patched, x.answer = kept(x.body), kept(x.patched), kept(x.answer)
	x.share.End()
	x.transient, x.record = transient{}, outcome.Record{}
	h.exchanges.Put(x)
}

// kept returns b, empty, if it is small enough to keep.
func kept(b []byte) []byte {
	if cap(b) > pooledBytesMax {
		return nil
	}
	return b[:0]
}
