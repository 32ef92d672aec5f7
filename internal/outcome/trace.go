package outcome

import (
	"context"
	"time"
)

// Trace ends the spans of requests, with what they came to.
type Trace struct{}

// Read implements Reader.
func (Trace) Read(_ context.Context, r *Record) {
	whole := r.Trace
	if whole == nil {
		return
	}
	if r.Model != nil {
		whole.Text("gen_ai.request.model", r.Model.Name)
		whole.Number("token_rate_limiter.charge.input_tokens", r.Need.Input)
		whole.Number("token_rate_limiter.charge.output_tokens", r.Need.Output)
		whole.Flag("gen_ai.request.stream", r.Stream)
	}
	for i := range r.Earlier {
		r.Earlier[i].endSpan()
	}
	if r.Failed() {
		r.Span.Fail(r.Kind())
	}
	if r.Span != nil {
		whole.Usage(r.Cost.Amount.Input, r.Cost.Amount.Output)
	}
	r.endSpan()
	whole.Flag("token_rate_limiter.estimated", r.Cost.Estimated())
	whole.Flag("token_rate_limiter.stopped", r.Cost.Stopped)
	if r.Limit != "" {
		whole.Text("token_rate_limiter.limit", r.Limit)
	}
	whole.Number("http.response.status_code", int64(r.Status))
	switch {
	case r.Failed():
		whole.Fail(r.Kind())
	case r.Err != nil:
		whole.Text("error.type", r.Kind()) // the client's, no failure of the server
	}
	whole.End(time.Time{})
}

// endSpan ends the span of the attempt, if it was sent.
func (a *Attempt) endSpan() {
	a.Span.Usage(a.Cost.Amount.Input, a.Cost.Amount.Output)
	if a.Cost.Complete && !a.Pace.First.IsZero() {
		a.Span.Event("first token", a.Pace.First)
	}
	var end time.Time
	if a.Took > 0 {
		end = a.Sent.Add(a.Took)
	}
	a.Span.End(end)
}
