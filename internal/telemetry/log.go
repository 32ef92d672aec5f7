package telemetry

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"log/slog"
)

// LogOptions say how log lines look. The zero value is JSON at level info.
type LogOptions struct {
	Level slog.Leveler // nil is info
	Text  bool         // key=value instead of JSON
	// HashUsers replaces users' names by a part of their hash, and leaves out clients' addresses.
	HashUsers bool
}

// NewLogger returns a logger that writes to w, which is safe for concurrent use if
// the logger is to be. A duration is shown as a number of milliseconds.
func NewLogger(w io.Writer, o LogOptions) *slog.Logger {
	h := &slog.HandlerOptions{Level: o.Level, ReplaceAttr: o.shown}
	switch {
	case o.Text:
		return slog.New(slog.NewTextHandler(w, h))
	case o.HashUsers:
		return slog.New(slog.NewJSONHandler(w, h))
	}
	return slog.New(&jsonHandler{slog.NewJSONHandler(w, h), w})
}

// shown returns how the log shows a field: durations in milliseconds, and persons as o says.
func (o LogOptions) shown(_ []string, field slog.Attr) slog.Attr {
	switch {
	case field.Value.Kind() == slog.KindDuration:
		field.Value = slog.Float64Value(milliseconds(field.Value.Duration()))
	case o.HashUsers && field.Key == UserKey:
		field.Value = slog.StringValue(HashUser(field.Value.String()))
	case o.HashUsers && field.Key == ClientKey:
		return slog.Attr{}
	}
	return field
}

const (
	// UserKey is the log field of a user's name, the only one that is hashed where
	// the configuration says so.
	UserKey = "user"
	// ClientKey is the log field of a client's address, which names a person as
	// well and cannot be hashed: there are too few addresses. It is left out then.
	ClientKey = "client"
)

// HashUser returns what the log has in place of a user's name where names are hashed:
// enough of the hash to tell users apart.
func HashUser(name string) string {
	sum := sha256.Sum256([]byte(name))
	return "sha256:" + hex.EncodeToString(sum[:8])
}
