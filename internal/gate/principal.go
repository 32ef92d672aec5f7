package gate

import (
	"log/slog"
	"net/http"

	"github.com/token-rate-limiter/token-rate-limiter/internal/failure"
	"github.com/token-rate-limiter/token-rate-limiter/internal/identity"
	"github.com/token-rate-limiter/token-rate-limiter/internal/reply"
	"github.com/token-rate-limiter/token-rate-limiter/internal/telemetry"
)

// Principal returns the principal of a request that only looks at something, or what to answer
// where nobody knows it or it lacks the role; an empty role is everybody who is known. A refusal
// has a line in the log: such requests have no other.
func (g *Gate) Principal(r *http.Request, role identity.Role) (identity.Principal, *failure.Error) {
	p, err := g.Identify(r.Context(), r.Header)
	if err != nil {
		return p, g.refuse(r, &p, failure.Of(err))
	}
	if role != "" && !p.Is(role) {
		return p, g.refuse(r, &p, failure.Permission("this needs the role %s", role))
	}
	return p, nil
}

// refuse writes the line of a refused request, which has the pattern of its route in
// place of its path, and returns what to answer.
func (g *Gate) refuse(
	r *http.Request, p *identity.Principal, answer *failure.Error,
) *failure.Error {
	if g.Log == nil {
		return answer
	}
	status := reply.StatusOf(answer)
	attrs := []slog.Attr{
		slog.String("id", r.Header.Get(reply.IDHeader)),
		slog.String("route", r.Method+" "+r.Pattern),
		slog.String(telemetry.ClientKey, ClientAddress(r, g.TrustedProxies)),
		slog.Int("status", status), slog.String("error", answer.Error()),
	}
	if p.User != "" {
		attrs = append(attrs, slog.String(telemetry.UserKey, p.User))
	}
	if p.Credential != "" {
		attrs = append(attrs, slog.String("key", p.Credential))
	}
	level := slog.LevelInfo
	if status >= http.StatusInternalServerError {
		level = slog.LevelWarn
	}
	g.Log.LogAttrs(r.Context(), level, "refused", attrs...)
	return answer
}
