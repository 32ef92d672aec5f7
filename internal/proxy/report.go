package proxy

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
	"github.com/token-rate-limiter/token-rate-limiter/internal/telemetry"
)

// observeRatio notes how an estimate compares with what was used.
func observeRatio(o prometheus.Observer, estimated, used int64) {
	if used > 0 {
		o.Observe(float64(estimated) / float64(used))
	}
}

// milliseconds returns d with a precision of microseconds.
func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// report counts the request and writes its log line.
func (x *exchange) report() {
	x.endTrace()
	now := time.Now()
	elapsed := now.Sub(x.begun)
	x.h.Metrics.Overhead(elapsed - x.away)
	if x.model != nil {
		x.model.Metrics.Answered(x.endpoint.String(), x.status, elapsed)
	}
	level := slog.LevelInfo
	if x.status >= 500 {
		level = slog.LevelWarn
	}
	ctx := x.ctx
	if !x.h.Log.Enabled(ctx, level) {
		return
	}
	attrs := make([]slog.Attr, 0, 16)
	attrs = append(attrs,
		slog.String("id", x.id),
		slog.String("endpoint", x.endpoint.String()),
		slog.String(telemetry.UserKey, x.principal.User),
		slog.String(telemetry.ClientKey, clientAddress(x.r, x.h.TrustedProxies)),
		slog.Int("status", x.status),
		slog.Float64("duration_ms", milliseconds(elapsed)),
	)
	if x.model != nil {
		attrs = append(attrs,
			slog.String("model", x.model.Name),
			slog.Int64("input", x.spent.amount.Input),
			slog.Int64("output", x.spent.amount.Output),
			slog.Float64("upstream_ms", milliseconds(x.away)),
		)
	}
	if x.server != "" {
		attrs = append(attrs, slog.String("server", x.server))
	}
	if x.principal.Credential != "" {
		attrs = append(attrs, slog.String("key", x.principal.Credential))
	}
	if x.spent.estimated {
		attrs = append(attrs, slog.Bool("estimated", true))
	}
	if x.spent.stopped {
		attrs = append(attrs, slog.Bool("stopped", true))
	}
	if x.binding != "" {
		attrs = append(attrs, slog.String("limit", x.binding))
	}
	if id := x.spans.whole.TraceID(); id != "" {
		attrs = append(attrs, slog.String("trace_id", id))
	}
	if x.err != nil {
		attrs = append(attrs, slog.String("error", wordsOf(x.err)))
	}
	telemetry.Emit(ctx, x.h.Log, now, level, "request", attrs)
}

// wordsOf says what went wrong, for the log.
func wordsOf(err error) string {
	if errors.Is(err, context.Canceled) {
		return "the client has left, or was cut off"
	}
	return err.Error()
}

// nameOf names a limit of windows, for the log.
func nameOf(r *limit.Rule) string {
	return r.Scope.String() + " " + r.Meter.String() + " per " + r.Window.String()
}
