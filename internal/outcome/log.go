package outcome

import (
	"context"
	"errors"
	"log/slog"

	"github.com/token-rate-limiter/token-rate-limiter/internal/telemetry"
)

// Log writes the line that every request has.
type Log struct{ *slog.Logger }

// Read implements Reader.
func (l Log) Read(ctx context.Context, r *Record) {
	level := slog.LevelInfo
	if r.Failed() {
		level = slog.LevelWarn
	}
	if !l.Enabled(ctx, level) {
		return
	}
	line := telemetry.BeginLine(l.Logger, r.Ended, level, "request")
	line.String("id", r.ID)
	line.String("endpoint", r.Endpoint.String())
	line.String(telemetry.UserKey, r.User)
	line.String(telemetry.ClientKey, r.Client)
	line.Int("status", int64(r.Code()))
	line.Milliseconds("duration_ms", r.Elapsed())
	if r.Model != nil {
		line.String("model", r.Model.Name)
		line.Int("input", r.Cost.Amount.Input)
		line.Int("output", r.Cost.Amount.Output)
		line.Milliseconds("upstream_ms", r.Took)
	}
	text(line, "server", r.Server)
	text(line, "key", r.Credential)
	if r.Cost.Estimated() {
		line.True("estimated")
	}
	if r.Cost.Stopped {
		line.True("stopped")
	}
	text(line, "limit", r.Limit)
	text(line, "trace_id", r.TraceID)
	if r.Err != nil {
		line.String("error", wordsOf(r.Err))
	}
	line.End(ctx)
}

// text adds a field that is not empty.
func text(line *telemetry.Line, key, value string) {
	if value != "" {
		line.String(key, value)
	}
}

// wordsOf says what went wrong.
func wordsOf(err error) string {
	if errors.Is(err, context.Canceled) {
		return "the client has left, or was cut off"
	}
	return err.Error()
}
