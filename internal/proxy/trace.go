package proxy

import (
	"errors"
	"net/http"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/telemetry"
	"github.com/token-rate-limiter/token-rate-limiter/internal/upstream"
)

// spans are those of a request: nil where traces are switched off, which costs a
// comparison each. What clients and model servers write is in none of them.
type spans struct {
	whole *telemetry.Span
	step  *telemetry.Span // of the gateway's own, that is under way
}

// beginTrace begins the span of the request.
func (x *exchange) beginTrace() {
	if x.h.Tracer == nil {
		return
	}
	x.spans.whole = x.h.Tracer.Begin(telemetry.Request{
		Header: x.r.Header, Method: x.r.Method, Route: x.r.Pattern, TLS: x.r.TLS != nil,
		Begun: x.begun, Endpoint: x.endpoint.String(),
	})
}

// beginAttempt begins the span of sending the request, and ends the one before.
func (x *exchange) beginAttempt() {
	x.span.End(time.Time{})
	x.span = x.spans.whole.Attempt(x.endpoint.String(), x.model.ServedAs)
}

// answered notes in the span what has come of an attempt.
func (x *exchange) answered(err error) {
	s := x.span
	if s == nil {
		return
	}
	var failure *upstream.Error
	switch {
	case err == nil:
		s.Text("server.address", x.response.Server)
		s.Number("http.response.status_code", int64(x.response.Status))
		if x.response.Status >= http.StatusBadRequest {
			s.Fail(itoa(int64(x.response.Status)))
		}
	case errors.As(err, &failure):
		s.Text("server.address", failure.Address)
		s.Fail(failure.Kind.String())
	default:
		s.Fail("_OTHER") // the word of the conventions
	}
}

// appendTrace adds the fields that tell the model server of the trace, in place of
// the client's.
func (x *exchange) appendTrace(list []upstream.Field) []upstream.Field {
	parent, state := x.span.Carry()
	if parent != "" {
		list = append(list, upstream.Field{Name: "Traceparent", Value: parent})
	}
	if state != "" {
		list = append(list, upstream.Field{Name: "Tracestate", Value: state})
	}
	return list
}

// carriesTrace reports whether a field tells of a trace.
func carriesTrace(name string) bool { return name == "Traceparent" || name == "Tracestate" }
