package telemetry

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// Span is a part of a request's life. The methods of nil do nothing. It is used
// by one goroutine.
type Span struct {
	tracer *Tracer
	ctx    context.Context // has the span, for its children
	span   trace.Span
	failed bool
}

// Request is what is known of a request when its span begins.
type Request struct {
	Header   map[string][]string // by canonical names; the client's trace is continued
	Method   string
	Route    string // never the path as it was sent
	TLS      bool
	Begun    time.Time
	Endpoint string // operation, as metrics name it
}

// Begin begins the span of a request; nil for a nil tracer.
func (t *Tracer) Begin(r Request) *Span {
	if t == nil {
		return nil
	}
	scheme := "http"
	if r.TLS {
		scheme = "https"
	}
	parent := propagator.Extract(context.Background(), propagation.HeaderCarrier(r.Header))
	return t.start(parent, r.Method+" "+r.Route,
		trace.WithSpanKind(trace.SpanKindServer), trace.WithTimestamp(r.Begun),
		trace.WithAttributes(
			attribute.String("http.request.method", r.Method),
			attribute.String("http.route", r.Route),
			attribute.String("url.scheme", scheme),
			attribute.String("gen_ai.operation.name", operation(r.Endpoint)),
		))
}

func (t *Tracer) start(ctx context.Context, name string, o ...trace.SpanStartOption) *Span {
	s := &Span{tracer: t}
	s.ctx, s.span = t.tracer.Start(ctx, name, o...)
	return s
}

// operation returns the word of OpenTelemetry's conventions for generative AI
// where they have one.
func operation(endpoint string) string {
	switch endpoint {
	case "chat_completions", "messages", "responses":
		return "chat"
	case "completions":
		return "text_completion"
	}
	return endpoint
}

// Child begins a step of the request in the gateway itself.
func (s *Span) Child(name string) *Span {
	if s == nil {
		return nil
	}
	return s.tracer.start(s.ctx, name)
}

// Attempt begins the span of sending the request to a model server, which knows
// the model by the given name.
func (s *Span) Attempt(endpoint, model string) *Span {
	if s == nil {
		return nil
	}
	return s.tracer.start(s.ctx, operation(endpoint)+" "+model,
		trace.WithSpanKind(trace.SpanKindClient),
		trace.WithAttributes(
			attribute.String("gen_ai.operation.name", operation(endpoint)),
			attribute.String("gen_ai.provider.name", "vllm"),
			attribute.String("gen_ai.request.model", model),
			attribute.String("http.request.method", "POST"),
		))
}

// Carry returns the header fields that tell a model server of the span; "" for
// those that there are not.
func (s *Span) Carry() (traceparent, tracestate string) {
	if s == nil {
		return "", ""
	}
	c := propagation.MapCarrier{}
	propagator.Inject(s.ctx, c)
	return c["traceparent"], c["tracestate"]
}

// TraceID returns the id of the trace that the span belongs to; "" for nil.
func (s *Span) TraceID() string {
	if s == nil {
		return ""
	}
	return s.span.SpanContext().TraceID().String()
}

// Text sets an attribute, which must not be a client's words.
func (s *Span) Text(key, value string) {
	if s != nil {
		s.span.SetAttributes(attribute.String(key, value))
	}
}

// Number sets an attribute.
func (s *Span) Number(key string, value int64) {
	if s != nil {
		s.span.SetAttributes(attribute.Int64(key, value))
	}
}

// Usage sets the attributes for the tokens of a request and of its answer.
func (s *Span) Usage(input, output int64) {
	s.Number("gen_ai.usage.input_tokens", input)
	s.Number("gen_ai.usage.output_tokens", output)
}

// Flag sets an attribute where it is true.
func (s *Span) Flag(key string, value bool) {
	if s != nil && value {
		s.span.SetAttributes(attribute.Bool(key, value))
	}
}

// Event notes that something happened at a time.
func (s *Span) Event(name string, at time.Time) {
	if s != nil {
		s.span.AddEvent(name, trace.WithTimestamp(at))
	}
}

// Fail says that what the span is about has failed, in a word of a short list. The
// first word stands.
func (s *Span) Fail(kind string) {
	if s != nil && !s.failed {
		s.failed = true
		s.span.SetAttributes(attribute.String("error.type", kind))
		s.span.SetStatus(codes.Error, "")
	}
}

// End ends the span at a time; the zero time is now. Further calls do nothing.
func (s *Span) End(at time.Time) {
	if s == nil {
		return
	}
	if at.IsZero() {
		s.span.End()
		return
	}
	s.span.End(trace.WithTimestamp(at))
}
