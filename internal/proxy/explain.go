package proxy

import (
	"log/slog"

	"github.com/token-rate-limiter/token-rate-limiter/internal/admission"
	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
	"github.com/token-rate-limiter/token-rate-limiter/internal/telemetry"
	"github.com/token-rate-limiter/token-rate-limiter/internal/upstream"
)

// What the log says of a request at the level debug, beside its line: the decision of the
// limits with the price and the standings, each attempt to have it answered with the
// model servers that there were, and the settlement. There are numbers, names of limits and
// addresses in these lines, and nothing that a client or a model server has written.

// neverFits is the verdict on what no reservation is asked for.
const neverFits admission.Verdict = "never fits"

// explainDecision writes what was decided of a need, and why.
func (x *exchange) explainDecision(v admission.Verdict, need limit.Amount) {
	if !x.explains {
		return
	}
	price := x.ticket.Estimate()
	attrs := []slog.Attr{
		slog.String("id", x.id),
		slog.String("model", x.model.Name),
		slog.String(telemetry.UserKey, x.principal.User),
		slog.String("verdict", string(v)),
		slog.Group("price", "input", price.Input, "input_floor", price.InputFloor,
			"output", price.Output, "question", x.ticket.Inquired()),
		amount("charge", need),
	}
	if x.binding != "" {
		attrs = append(attrs, slog.String("limit", x.binding))
	}
	if v == admission.Admitted || v == admission.Denied {
		attrs = append(attrs, slog.GroupAttrs("standings", x.standings(need)...))
	}
	x.h.Log.LogAttrs(x.ctx, slog.LevelDebug, "decision", attrs...)
}

// standings returns where the accounts stand under each limit: of an admission after it, of
// a denial with what was in the way.
func (x *exchange) standings(need limit.Amount) []slog.Attr {
	var list []slog.Attr
	rules, d := x.model.Policy.Rules(), x.ticket.Decision()
	for i, s := range d.Standings {
		r := &rules[i]
		values := []any{
			"limit", r.Max, "used", s.Used, "remaining", s.Remaining(r),
			"need", need.Of(r.Meter), "empty_ms", s.Reset.Milliseconds(),
		}
		for _, v := range d.Violations {
			if v.Rule == *r {
				values = append(values, "wait_ms", v.Wait.Milliseconds())
			}
		}
		list = append(list, slog.Group(r.Name(), values...))
	}
	for _, g := range d.Full {
		list = append(list, slog.Group(g.Name(), "limit", g.Max, "running", g.Running))
	}
	return list
}

// explaining returns what tells of the tries of a request to path; nil where nobody
// wants to know.
func (x *exchange) explaining(path string) func(upstream.Try) {
	if !x.explains {
		return nil
	}
	return func(t upstream.Try) { x.explainTry(path, &t) }
}

// serverCondition is the condition that a model server was in when one was chosen.
type serverCondition struct {
	Server  string `json:"server"`
	Healthy bool   `json:"healthy"`
	Breaker string `json:"circuit_breaker"`
	Running int    `json:"running"`
	Tried   bool   `json:"tried,omitempty"`
}

// explainTry writes where the request was sent, and what came of it.
func (x *exchange) explainTry(path string, t *upstream.Try) {
	choice := make([]serverCondition, len(t.Choice))
	for i, c := range t.Choice {
		choice[i] = serverCondition{c.Server, c.Healthy, c.Breaker.String(), c.Running, c.Tried}
	}
	attrs := []slog.Attr{
		slog.String("id", x.id),
		slog.String("path", path),
		slog.String("server", t.Server),
		slog.Int("status", t.Status),
		slog.Int("connections", t.Connections),
		slog.Float64("took_ms", float64(t.Took.Microseconds())/1000),
		slog.Any("endpoints", choice),
	}
	if t.Err != nil {
		attrs = append(attrs, slog.String("error", t.Err.Error()))
	}
	x.h.Log.LogAttrs(x.ctx, slog.LevelDebug, "attempt", attrs...)
}

// explainSettlement writes what the request has cost, and how that is known.
func (x *exchange) explainSettlement(s *admission.Cost, d limit.Settlement) {
	if !x.explains {
		return
	}
	attrs := []slog.Attr{
		slog.String("id", x.id),
		amount("granted", x.ticket.Granted()), amount("charged", s.Amount),
		slog.Int64("refunded", d.Refunded), slog.Int64("overrun", d.Overrun),
		slog.Bool("complete", s.Complete), slog.Bool("stopped", s.Stopped),
	}
	if s.Estimated() {
		attrs = append(attrs, slog.String("estimated", s.Doubt.String()))
	}
	x.h.Log.LogAttrs(x.ctx, slog.LevelDebug, "settlement", attrs...)
}

// amount returns a group of what is charged on each meter.
func amount(name string, a limit.Amount) slog.Attr {
	return slog.Group(name, "input", a.Input, "output", a.Output, "requests", a.Requests)
}
