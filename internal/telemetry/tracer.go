package telemetry

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// Tracer makes the spans of requests and sends them to a collector. nil is a
// tracer that makes none and costs nothing. It is safe for concurrent use. Make it
// with OpenTracer.
type Tracer struct {
	provider *sdk.TracerProvider
	tracer   trace.Tracer
}

// serviceName is the service's name unless OTEL_SERVICE_NAME or
// OTEL_RESOURCE_ATTRIBUTES say otherwise.
const serviceName = "token-rate-limiter"

// OpenTracer returns a tracer as the standard variables want it
// (https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/):
// nil unless OTEL_TRACES_EXPORTER is otlp, or is not set and an endpoint of the
// exporter is. It does not wait for the collector. An error names the variable that is wrong.
// version is the service's; failed is told, once a minute at most, why traces do not reach
// the collector.
func OpenTracer(ctx context.Context, version string, failed func(error)) (*Tracer, error) {
	if on, err := tracesWanted(); !on || err != nil {
		return nil, err
	}
	var mistakes atomic.Pointer[error] // of the variables, which the SDK only reports
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { mistakes.Store(&err) }))
	exporter, err := openExporter(ctx)
	if err != nil {
		return nil, err
	}
	about, err := resource.New(ctx,
		resource.WithAttributes(
			attribute.String("service.name", serviceName),
			attribute.String("service.version", version)),
		resource.WithTelemetrySDK(), resource.WithHost(), resource.WithFromEnv())
	if err != nil {
		err = fmt.Errorf("traces: OTEL_RESOURCE_ATTRIBUTES: %w", err)
		return nil, errors.Join(err, exporter.Shutdown(ctx))
	}
	provider := sdk.NewTracerProvider(sdk.WithBatcher(exporter), sdk.WithResource(about))
	if mistake := mistakes.Load(); mistake != nil {
		err = fmt.Errorf("traces: a variable OTEL_... is wrong: %w", *mistake)
		return nil, errors.Join(err, provider.Shutdown(ctx))
	}
	otel.SetErrorHandler(otel.ErrorHandlerFunc(seldom(failed)))
	tracer := provider.Tracer("github.com/token-rate-limiter/token-rate-limiter")
	return &Tracer{provider, tracer}, nil
}

// tracesWanted reads the variables that the SDK leaves to its caller.
func tracesWanted() (bool, error) {
	if strings.EqualFold(os.Getenv("OTEL_SDK_DISABLED"), "true") {
		return false, nil
	}
	switch exporter := os.Getenv("OTEL_TRACES_EXPORTER"); exporter {
	case "none":
		return false, nil
	case "":
		if endpoint, _ := exporterVariable("ENDPOINT"); endpoint == "" {
			return false, nil
		}
	case "otlp":
	default:
		return false, fmt.Errorf("OTEL_TRACES_EXPORTER is %q, which this gateway does not have; "+
			"set it to otlp or none", exporter)
	}
	if s := os.Getenv("OTEL_TRACES_SAMPLER"); s != "" && !slices.Contains(samplers, s) {
		return false, fmt.Errorf("OTEL_TRACES_SAMPLER is %q; set it to one of %s",
			s, strings.Join(samplers, ", "))
	}
	return true, nil
}

// samplers are those of the SDK.
var samplers = []string{
	"always_on", "always_off", "traceidratio",
	"parentbased_always_on", "parentbased_always_off", "parentbased_traceidratio",
}

// seldom passes an error on if the last one is long ago: a collector that is away
// would fill the log.
func seldom(tell func(error)) func(error) {
	var last atomic.Int64
	return func(err error) {
		now := time.Now().Unix()
		if before := last.Load(); now-before >= 60 && last.CompareAndSwap(before, now) {
			tell(withoutAnswer(err))
		}
	}
}

// withoutAnswer returns an error of the exporter without what a collector has said: it may
// repeat header fields, which are secret.
func withoutAnswer(err error) error {
	if err == nil {
		return nil
	}
	text := err.Error()
	for _, begins := range []string{" (body:", "body:", "partial success:"} {
		if head, _, said := strings.Cut(text, begins); said {
			text = head + strings.TrimSuffix(strings.Trim(begins, " (:"), "body")
		}
	}
	return errors.New(strings.TrimSpace(text))
}

// Close sends what is left. It returns at once for nil.
func (t *Tracer) Close(ctx context.Context) error {
	if t == nil {
		return nil
	}
	return withoutAnswer(t.provider.Shutdown(ctx))
}

// propagator carries traces in the header fields of the W3C.
var propagator = propagation.TraceContext{}
