package proxy

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/admission"
	"github.com/token-rate-limiter/token-rate-limiter/internal/catalog"
	"github.com/token-rate-limiter/token-rate-limiter/internal/failure"
	"github.com/token-rate-limiter/token-rate-limiter/internal/upstream"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/request"
)

const (
	// unavailableWait is when to come back for a model server that is away.
	unavailableWait = 5 * time.Second
	// capacityWait is when to come back for a model server with a full queue.
	capacityWait = time.Second
	// refusalBytesMax is how much is read of an answer that refuses a request.
	refusalBytesMax = 1 << 20
)

// capHeader tells the client which output cap was written into its request.
const capHeader = "X-Token-Output-Cap"

// forward rebuilds the request and sends it to the model server. It reports whether the
// client has been answered: with a refusal of the model server's own.
func (x *exchange) forward() (answered bool, err error) {
	if !x.ticket.Holds() {
		return false, failure.NoStore(storeWait)
	}
	x.sent = time.Now()
	x.ticket.Sent(x.sent)
	x.answer = x.answer[:0]
	err = x.send()
	for err == nil && !x.left() {
		taken, rejected := x.rejectsUsageOptions()
		if !rejected {
			break
		}
		err = x.sendAsking(taken)
	}
	if err != nil {
		return false, x.unanswered(err)
	}
	x.server = x.response.Server
	if x.response.Status < 300 {
		return false, nil
	}
	if x.left() {
		return false, x.unheard()
	}
	err = x.refused()
	return err == nil, err
}

// left reports whether the client is gone.
func (x *exchange) left() bool { return x.ctx.Err() != nil }

// unheard notes what an answer has cost that the model server has given to a
// client that had left: the request was stopped, and the answer may be no more
// than the way to say so.
func (x *exchange) unheard() error {
	x.response.Body.Abandon()
	x.settleAbandoned()
	return context.Canceled
}

// settleAbandoned settles what an answer has cost of which nothing was seen until now.
func (x *exchange) settleAbandoned() {
	now := time.Now()
	x.took = now.Sub(x.sent)
	x.ticket.Settle(x.ticket.Abandoned(now))
}

// sendAsking sends the request again with fewer stream options, or as the client
// wrote it. Only where the same model server accepts that was it the options
// that it refused: a refusal may quote the request, and words in
// it must not stop the metering of all others. With media it proves nothing: a
// picture that could not be fetched, from an address with such words, may be
// there the second time.
func (x *exchange) sendAsking(o catalog.UsageOptions) error {
	_ = x.response.Body.Close()
	x.refusal = refusal{}
	x.asked = o
	x.server = x.response.Server // that other one may take what this one does not
	err := x.send()
	took := err == nil && x.response.Status < 300 && x.response.Server == x.server
	if took && !x.request.HasMedia() {
		x.remember(x.quirk)
	}
	return err
}

// silentEvents is how many events with text a stream must have had that told no
// usage, before its model server is taken for one that tells none until the end.
const silentEvents = 4

// noteSilence remembers a model server that ignores the option that asks for
// usage on every chunk: what it streams cannot be stopped in time by what it
// tells.
func (x *exchange) noteSilence() {
	if x.metered() && !x.stream.Tally().Ran && x.stream.Tally().OutputEvents >= silentEvents {
		x.remember(catalog.Quirk{Silent: true})
	}
}

// remember notes a quirk of the model server that has answered.
func (x *exchange) remember(q catalog.Quirk) {
	x.model.Quirks.Remember(x.response.Server, x.model.ServedAs, q, time.Now())
}

// BodyFor implements upstream.Bodies: of one model server more is known than of
// another.
func (x *exchange) BodyFor(server string) []byte {
	x.quirk = x.model.Quirks.At(server, x.model.ServedAs, x.sent)
	x.quirk.Asked = max(x.quirk.Asked, x.asked)
	delete(x.w.Header(), capHeader) // the server before may have been told a cap
	return x.rebuilt()
}

// rebuilt returns the body that is sent: the client's, patched.
func (x *exchange) rebuilt() []byte {
	p := x.patch()
	if !x.request.NeedsPatch(x.body, p) {
		return x.body
	}
	x.patched = x.request.AppendBody(x.patched[:0], x.body, p)
	return x.patched
}

// send sends the request, rebuilt, and waits for the head of the response.
func (x *exchange) send() error {
	request := upstream.Request{Server: x.server, Caller: x.principal.Account}
	request.Method, request.Path, request.Begun = http.MethodPost, x.endpoint.Path(), x.sent
	if x.request.ReportsUsage() && x.model.Quirks.Any() {
		request.Bodies = x
	} else {
		x.quirk = catalog.Quirk{Asked: x.asked}
		request.Body = x.rebuilt()
	}
	request.Explain = x.explaining(request.Path)
	x.beginAttempt()
	request.Header = x.fields()
	if x.request.Stream {
		request.FirstByteTimeout = x.model.FirstByteTimeout
		request.IdleTimeout = x.model.IdleTimeout
	} else {
		request.ResponseTimeout = x.model.ResponseTimeout
	}
	response, err := x.model.Pool.Do(x.ctx, &request)
	if err == nil {
		x.response = response
	}
	x.answered(err)
	return err
}

// patch returns how the body that is sent differs from the client's.
func (x *exchange) patch() request.Patch {
	p := request.Patch{
		Model: x.model.ServedAs, ForceUsage: x.quirk.Asked < catalog.AskNothing,
		TotalOnly: x.quirk.Asked == catalog.TotalOnly,
	}
	x.ticket.Metered(x.metered())
	if x.ticket.Capped() {
		p.OutputCap = x.ticket.OutputCap()
		if x.request.OutputCap == 0 || p.OutputCap < x.request.OutputCap {
			x.w.Header()[capHeader] = []string{itoa(p.OutputCap)}
		}
	}
	return p
}

// metered reports whether the model server tells the usage while it streams,
// so that the gateway can top up and stop in time. What others find out about the
// model server meanwhile does not change how this request was sent.
func (x *exchange) metered() bool {
	return x.request.ReportsUsage() && x.quirk == catalog.Quirk{}
}

// rejectsUsageOptions reports whether the model server may have refused stream
// options that the gateway added, and which it then takes. The body of the
// refusal is read for that.
func (x *exchange) rejectsUsageOptions() (taken catalog.UsageOptions, rejected bool) {
	asked, status := x.quirk.Asked, x.response.Status
	if status != http.StatusBadRequest && status != http.StatusUnprocessableEntity ||
		!x.request.ReportsUsage() || asked == catalog.AskNothing {
		return asked, false
	}
	if x.readRefusal() != nil {
		return asked, false
	}
	names := func(option string) bool { return bytes.Contains(x.answer, []byte(option)) }
	if asked == catalog.EveryChunk && !x.request.ContinuousUsage &&
		names("continuous_usage_stats") {
		return catalog.TotalOnly, true
	}
	return catalog.AskNothing, !x.request.IncludeUsage && names("stream_options")
}

// refusal is what is known of the body of an answer that refuses the request.
type refusal struct {
	read bool
	err  error // why it cannot be passed on; nil: it can, or was not read
}

// readRefusal reads the body of a refusal into x.answer, once, and undoes its coding. It
// returns why that failed.
func (x *exchange) readRefusal() error {
	if r := &x.refusal; !r.read {
		x.answer = x.answer[:0]
		_ = x.readUpTo(x.response.Body, refusalBytesMax)
		*r = refusal{true, x.decode()}
	}
	return x.refusal.err
}

// unanswered returns what to tell the client of a request that got no
// response, and notes what it has cost.
func (x *exchange) unanswered(err error) error {
	x.took = time.Since(x.sent)
	var e *upstream.Error
	if !errors.As(err, &e) {
		x.ticket.Settle(admission.RequestOnly(x.response != nil))
		return err
	}
	x.ticket.Settle(x.costOf(e))
	return x.noAnswer(e)
}

// costOf returns the cost of a request that ended with e. Tokens are charged where it is
// known that they were worked on: a part of an answer has come that is no refusal, or the
// model server was working when the client left or the time was over.
func (x *exchange) costOf(e *upstream.Error) admission.Cost {
	switch {
	case e.Declined, !e.Sent:
	case e.Kind == upstream.Canceled, e.Kind == upstream.Timeout && e.Phase != upstream.Connect,
		e.Started && e.Kind != upstream.Busy && e.Kind != upstream.Away:
		return x.ticket.Abandoned(time.Now())
	}
	return admission.RequestOnly(e.Reached || x.response != nil)
}

// noAnswer returns what to tell the client where e is all that has come of asking.
func (x *exchange) noAnswer(e *upstream.Error) error {
	x.server = e.Address
	switch e.Kind {
	case upstream.Canceled:
		return context.Canceled
	case upstream.Busy:
		x.model.Metrics.UpstreamRefused(http.StatusServiceUnavailable)
	}
	return x.failed(answering, e)
}

// refused passes on a model server's own refusal, or says what it means. Whether it
// refuses or fails, it has cost a request.
func (x *exchange) refused() error {
	status := x.response.Status
	failed := status >= 500 || status < 400
	var err error
	if !failed {
		x.model.Metrics.UpstreamRefused(status)
		err = x.readRefusal()
	}
	_ = x.response.Body.Close()
	x.took = time.Since(x.sent)
	x.ticket.Settle(admission.RequestOnly(true))
	if failed || err != nil {
		return badStatus(status, err)
	}
	copyHeader(x.w.Header(), x.response.Header)
	x.write(status, x.answer)
	return nil
}
