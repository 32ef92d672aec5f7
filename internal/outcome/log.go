package outcome

import (
	"context"
	"errors"
	"log/slog"

	"github.com/token-rate-limiter/token-rate-limiter/internal/telemetry"
)

// Log writes the line that every request has.
type Log struct{ *slog.Logger }

// fieldsMax is how many fields a line has at most: they are made without an allocation.
const fieldsMax = 18

// Read implements Reader.
func (l Log) Read(ctx context.Context, r *Record) {
	level := slog.LevelInfo
	if r.Failed() {
		level = slog.LevelWarn
	}
	if !l.Enabled(ctx, level) {
		return
	}
	var array [fieldsMax]slog.Attr
	fields := append(array[:0],
		slog.String("id", r.ID), slog.String("endpoint", r.Endpoint.String()),
		slog.String(telemetry.UserKey, r.User), slog.String(telemetry.ClientKey, r.Client),
		slog.Int("status", r.Code()), slog.Duration("duration_ms", r.Elapsed()))
	if r.Model != nil {
		fields = append(fields, slog.String("model", r.Model.Name),
			slog.Int64("input", r.Cost.Amount.Input), slog.Int64("output", r.Cost.Amount.Output),
			slog.Duration("upstream_ms", r.Took))
	}
	fields = text(fields, "server", r.Server)
	fields = text(fields, "key", r.Credential)
	fields = text(fields, "tenant", r.Tenant)
	if r.Cost.Estimated() {
		fields = append(fields, slog.Bool("estimated", true))
	}
	if r.Cost.Stopped {
		fields = append(fields, slog.Bool("stopped", true))
	}
	fields = text(fields, "limit", r.Limit)
	fields = text(fields, "trace_id", r.Trace.TraceID())
	if r.Err != nil {
		fields = append(fields, slog.String("error", wordsOf(r.Err)))
	}
	telemetry.WriteLine(ctx, l.Handler(), slog.NewRecord(r.Ended, level, "request", 0), fields)
}

// text adds a field that is not empty.
func text(fields []slog.Attr, key, value string) []slog.Attr {
	if value == "" {
		return fields
	}
	return append(fields, slog.String(key, value))
}

// wordsOf says what went wrong.
func wordsOf(err error) string {
	if errors.Is(err, context.Canceled) {
		return "the client has left, or was cut off"
	}
	return err.Error()
}
