package telemetry

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"log/slog"
)

// LogOptions say how log lines look. The zero value is JSON at level info.
type LogOptions struct {
	Level     slog.Leveler // nil is info
	Text      bool         // key=value instead of JSON
	HashUsers bool         // names of users are replaced by a part of their hash, and clients' addresses left out
}

// NewLogger returns a logger that writes to w, which is safe for concurrent use if
// the logger is to be.
func NewLogger(w io.Writer, o LogOptions) *slog.Logger {
	h := &slog.HandlerOptions{Level: o.Level}
	if o.HashUsers {
		h.ReplaceAttr = func(_ []string, a slog.Attr) slog.Attr {
			switch a.Key {
			case UserKey:
				a.Value = slog.StringValue(HashUser(a.Value.String()))
			case ClientKey:
				return slog.Attr{}
			}
			return a
		}
	}
	if o.Text {
		return slog.New(slog.NewTextHandler(w, h))
	}
	if o.HashUsers {
		return slog.New(slog.NewJSONHandler(w, h))
	}
	return slog.New(&lineHandler{slog.NewJSONHandler(w, h), w})
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
