package proxy

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/gate"
	"github.com/token-rate-limiter/token-rate-limiter/internal/telemetry"
)

// report counts the request and writes its log line.
func (x *exchange) report() {
	x.endTrace()
	now := time.Now()
	elapsed := now.Sub(x.begun)
	x.h.Metrics.Overhead(elapsed - x.took)
	if x.model != nil {
		x.model.Metrics.Answered(x.endpoint.String(), x.outcome(), elapsed)
	}
	level := slog.LevelInfo
	if x.failed() {
		level = slog.LevelWarn
	}
	if !x.h.Log.Enabled(x.ctx, level) {
		return
	}
	cost := x.ticket.Cost()
	line := telemetry.BeginLine(x.h.Log, now, level, "request")
	line.String("id", x.id)
	line.String("endpoint", x.endpoint.String())
	line.String(telemetry.UserKey, x.principal.User)
	line.String(telemetry.ClientKey, gate.ClientAddress(x.r, x.h.Gate.TrustedProxies))
	line.Int("status", int64(x.outcome()))
	line.Milliseconds("duration_ms", elapsed)
	if x.model != nil {
		line.String("model", x.model.Name)
		line.Int("input", cost.Amount.Input)
		line.Int("output", cost.Amount.Output)
		line.Milliseconds("upstream_ms", x.took)
	}
	if x.server != "" {
		line.String("server", x.server)
	}
	if x.principal.Credential != "" {
		line.String("key", x.principal.Credential)
	}
	if cost.Estimated() {
		line.True("estimated")
	}
	if cost.Stopped {
		line.True("stopped")
	}
	if x.binding != "" {
		line.String("limit", x.binding)
	}
	if id := x.spans.whole.TraceID(); id != "" {
		line.String("trace_id", id)
	}
	if x.err != nil {
		line.String("error", wordsOf(x.err))
	}
	line.End(x.ctx)
}

// wordsOf says what went wrong, for the log.
func wordsOf(err error) string {
	if errors.Is(err, context.Canceled) {
		return "the client has left, or was cut off"
	}
	return err.Error()
}
