package telemetry

import (
	"strings"
	"testing"
	"time"
)

// TestTracesAreWanted: the standard variables switch traces on and off; what is
// not here is refused by name, with what to do instead.
func TestTracesAreWanted(t *testing.T) {
	for env, want := range map[string]string{
		"":                                                 "off",
		"OTEL_SERVICE_NAME=x":                              "off",
		"OTEL_TRACES_EXPORTER=none":                        "off",
		"OTEL_TRACES_EXPORTER=otlp":                        "on",
		"OTEL_EXPORTER_OTLP_ENDPOINT=http://c":             "on",
		"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=x":             "on",
		"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT=x":            "off",
		"OTEL_TRACES_EXPORTER=otlp OTEL_SDK_DISABLED=true": "off",
		"OTEL_EXPORTER_OTLP_ENDPOINT=http://c OTEL_TRACES_EXPORTER=none":         "off",
		"OTEL_TRACES_EXPORTER=otlp OTEL_TRACES_SAMPLER=parentbased_traceidratio": "on",
		"OTEL_TRACES_EXPORTER=zipkin":                                            "OTEL_TRACES_EXPORTER is \"zipkin\"",
		"OTEL_TRACES_EXPORTER=otlp OTEL_TRACES_SAMPLER=sometimes":                "OTEL_TRACES_SAMPLER is \"sometimes\"",
	} {
		t.Run(env, func(t *testing.T) {
			for _, pair := range strings.Fields(env) {
				name, value, _ := strings.Cut(pair, "=")
				t.Setenv(name, value)
			}
			on, err := tracesWanted()
			got := map[bool]string{true: "on", false: "off"}[on]
			if err != nil {
				got = err.Error()
			}
			if !strings.HasPrefix(got, want) || err != nil && !strings.Contains(got, "set it to ") {
				t.Errorf("%s, want %s", got, want)
			}
		})
	}
}

// TestWrongRatio: what only the SDK reads is an error at the start as well.
func TestWrongRatio(t *testing.T) {
	t.Setenv("OTEL_TRACES_EXPORTER", "otlp")
	t.Setenv("OTEL_TRACES_SAMPLER", "traceidratio")
	t.Setenv("OTEL_TRACES_SAMPLER_ARG", "7")
	tracer, err := OpenTracer(t.Context(), "", func(error) {})
	if err == nil || tracer != nil {
		t.Errorf("a ratio of 7: %v", err)
	}
}

// TestNoTracesCostNothing: what a request does with its spans allocates nothing
// where there are none.
func TestNoTracesCostNothing(t *testing.T) {
	if n := testing.AllocsPerRun(100, withoutTraces); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkNoTraces(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		withoutTraces()
	}
}

// withoutTraces is what a request does with its spans.
func withoutTraces() {
	var off *Tracer
	var whole *Span
	if off != nil {
		whole = off.Begin(Request{})
	}
	child := whole.Child("reserve")
	child.Flag("admitted", true)
	child.End(time.Time{})
	attempt := whole.Attempt("chat_completions", "llama2-7b")
	attempt.Text("server.address", "a")
	child = whole.Child("settle")
	child.Number("refunded", 1)
	child.End(time.Time{})
	attempt.End(time.Time{})
	whole.TraceID()
}

// TestSeldom: a collector that is away is told of once a minute.
func TestSeldom(t *testing.T) {
	told := 0
	f := seldom(func(error) { told++ })
	for range 100 {
		f(nil)
	}
	if told != 1 {
		t.Errorf("told %d times", told)
	}
}
