package proxy

import (
	"log/slog"
	"net/http"

	"github.com/token-rate-limiter/token-rate-limiter/internal/auth"
	"github.com/token-rate-limiter/token-rate-limiter/internal/openai"
	"github.com/token-rate-limiter/token-rate-limiter/internal/telemetry"
)

// Permit returns the principal of a request that only looks at something, or what to
// answer where it is nobody known, or lacks the role; an empty role is everybody who
// is known. A refusal leaves a line in the log: such requests have no other.
func (g *Gate) Permit(r *http.Request, role auth.Role) (auth.Principal, *openai.Error) {
	p, err := g.Identify(r.Header)
	if err != nil {
		return p, g.refuse(r, &p, answerTo(err))
	}
	if role != "" && !p.Is(role) {
		return p, g.refuse(r, &p, openai.PermissionDenied("this needs the role %s", role))
	}
	return p, nil
}

// refuse writes the line of a refused request, which has the pattern of its route in
// place of its path, and returns what to answer.
func (g *Gate) refuse(r *http.Request, p *auth.Principal, answer *openai.Error) *openai.Error {
	if g.log == nil {
		return answer
	}
	attrs := []slog.Attr{
		slog.String("id", header(r.Header, requestIDHeader)), slog.String("route", r.Method+" "+r.Pattern),
		slog.String(telemetry.ClientKey, clientAddress(r, g.trusted)), slog.Int("status", answer.Status), slog.String("error", answer.Message),
	}
	if p.User != "" {
		attrs = append(attrs, slog.String(telemetry.UserKey, p.User))
	}
	if p.Credential != "" {
		attrs = append(attrs, slog.String("key", p.Credential))
	}
	g.log.LogAttrs(r.Context(), slog.LevelInfo, "refused", attrs...)
	return answer
}
