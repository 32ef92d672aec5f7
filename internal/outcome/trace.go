package outcome

import (
	"context"
	"time"
)

// Trace ends the spans of requests, with what they came to.
type Trace struct{}

// Read implements Reader.
func (Trace) Read(_ context.Context, r *Record) {
	whole := r.Span
	if whole == nil {
		return
	}
	if r.Model != nil {
		whole.Text("gen_ai.request.model", r.Model.Name)
		whole.Number("token_rate_limiter.charge.input_tokens", r.Need.Input)
		whole.Number("token_rate_limiter.charge.output_tokens", r.Need.Output)
		whole.Flag("gen_ai.request.stream", r.Stream)
	}
	r.endAttempt()
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

// endAttempt ends the span of the last attempt, if one was sent.
func (r *Record) endAttempt() {
	span := r.AttemptSpan
	if span == nil {
		return
	}
	r.Span.Usage(r.Cost.Amount.Input, r.Cost.Amount.Output)
	span.Usage(r.Cost.Amount.Input, r.Cost.Amount.Output)
	if r.Cost.Complete && !r.Pace.First.IsZero() {
		span.Event("first token", r.Pace.First)
	}
	if r.Failed() {
		span.Fail(r.Kind())
	}
	var end time.Time
	if r.Took > 0 {
		end = r.Sent.Add(r.Took)
	}
	span.End(end)
}
