// Package outcome is what a request came to: one [Record], made at its end, and those who
// read it. A reader is added without a change to what serves requests.
//
// Invariant: nothing of a prompt, of an answer or of a credential is in a record.
package outcome

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/admission"
	"github.com/token-rate-limiter/token-rate-limiter/internal/catalog"
	"github.com/token-rate-limiter/token-rate-limiter/internal/failure"
	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
	"github.com/token-rate-limiter/token-rate-limiter/internal/telemetry"
	"github.com/token-rate-limiter/token-rate-limiter/internal/usage"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire"
)

// statusBroken is the status, for logs and metrics, of a request whose answer had begun
// with 200 and did not come to its end, for another reason than its client. Nobody is
// sent it, and no model server's own status is passed on from 500 up.
const statusBroken = 599

// Record is what a request came to.
type Record struct {
	ID       string
	Endpoint wire.Endpoint
	Stream   bool
	Client   string // the address of whoever sent it

	User       string // "": nobody is known
	Tenant     string // of the user; "": the default one
	Credential string // the name of the credential; "" for none

	Begun, Ended time.Time

	Attempt           // the last one
	Earlier []Attempt // those before it, on other models

	Status int   // of the answer to the client
	Err    error // what went wrong; nil: nothing

	Trace *telemetry.Span // of the request, open; nil where there are no traces
}

// Attempt is one try at having a request answered by a model. The zero value is that of a
// request for which no model was found.
type Attempt struct {
	Model *catalog.Model // nil: none was found

	Sent   time.Time     // to a model server, the last time; zero: it was not
	Took   time.Duration // the model server's part of the time
	Asking time.Duration // how long a model server was asked for the number of tokens, before
	Server string        // that it went to last; of several that are away, all; "" for none

	Price      usage.Price    // what was estimated
	Need       limit.Amount   // what the limits were asked for
	Granted    limit.Amount   // what was charged until it was settled
	Cost       admission.Cost // what was settled
	Settlement limit.Settlement
	Pace       admission.Pace // of a stream

	Limit  string                 // that denied it; "" for none
	Denial *admission.DeniedError // nil: none, or the request can never be admitted

	Span *telemetry.Span // of sending it, open; nil: it was not sent, or nobody traces
}

// Reader reads the outcome of every request, on the goroutine that has served it: what it
// does takes the time of the next request of that connection. It may not keep the record,
// which is used again.
type Reader interface {
	Read(ctx context.Context, r *Record)
}

// Elapsed is the time from the request's arrival to the end of its answer.
func (r *Record) Elapsed() time.Duration { return r.Ended.Sub(r.Begun) }

// Own is the gateway's own part of that time.
func (r *Record) Own() time.Duration {
	own := r.Elapsed() - r.Took - r.Asking
	for i := range r.Earlier {
		own -= r.Earlier[i].Took + r.Earlier[i].Asking
	}
	return own
}

// Failed reports whether the request has failed for another reason than its client.
func (r *Record) Failed() bool { return r.Status >= http.StatusInternalServerError || r.brokeOff() }

// Fault reports whether a fault of the gateway itself has ended the request. No model
// server's 500 is passed on.
func (r *Record) Fault() bool {
	return r.Status == http.StatusInternalServerError ||
		r.brokeOff() && failure.Of(r.Err).Kind == failure.KindInternal
}

// brokeOff reports whether an answer that had begun has failed.
func (r *Record) brokeOff() bool {
	return r.Err != nil && r.Status < http.StatusBadRequest && !errors.Is(r.Err, context.Canceled)
}

// Code returns the status that logs and metrics tell: that of the answer, or 599 of one
// that broke off.
func (r *Record) Code() int {
	if r.brokeOff() {
		return statusBroken
	}
	return r.Status
}

// Kind returns a word of the gateway's own for what went wrong; "" where nothing has.
func (r *Record) Kind() string {
	if r.Err == nil {
		return ""
	}
	return failure.Of(r.Err).Kind.String()
}
