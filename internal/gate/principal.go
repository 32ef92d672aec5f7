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
// where the rule of its route does not let it in. A refusal has a line in the log: such requests
// have no other. Of a route that is open nobody is asked for: the principal is nobody.
func (g *Gate) Principal(r *http.Request, rule Rule) (identity.Principal, *failure.Error) {
	if rule.Open() {
		return identity.Principal{}, nil
	}
	p, err := g.Identify(r.Context(), r.Header)
	if err != nil {
		return p, g.refuse(r, &p, failure.Of(err))
	}
	if !rule.Lets(&p) {
		return p, g.refuse(r, &p, failure.Permission("this needs the permission %s, "+
			"which the role %s gives", rule, rule.roles()))
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
	if p.Tenant != "" {
		attrs = append(attrs, slog.String("tenant", p.Tenant))
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
