package proxy

import (
	"net/http"
	"strconv"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/catalog"
	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
)

// fieldSet gathers the values of header fields in one buffer, so that all of
// them cost two allocations.
type fieldSet struct {
	b     []byte
	names [8]string
	ends  [8]int
	n     int
}

// end makes what has been appended since the last end the value of a field, by
// its canonical name.
func (f *fieldSet) end(name string) {
	f.names[f.n], f.ends[f.n] = name, len(f.b)
	f.n++
}

func (f *fieldSet) writeTo(h http.Header) {
	text, values, start := string(f.b), make([]string, f.n), 0
	for i := range f.n {
		values[i] = text[start:f.ends[i]]
		h[f.names[i]] = values[i : i+1 : i+1]
		start = f.ends[i]
	}
}

// OpenAI's fields that change with every request.
const (
	remainingTokens   = "X-Ratelimit-Remaining-Tokens" // #nosec G101 -- of a model, no secret
	resetTokens       = "X-Ratelimit-Reset-Tokens"     // #nosec G101 -- the same
	remainingRequests = "X-Ratelimit-Remaining-Requests"
	resetRequests     = "X-Ratelimit-Reset-Requests"
)

// clearStanding takes back what the client was to be told of another model.
func clearStanding(h http.Header) {
	for _, name := range []string{
		capHeader, "Ratelimit", "Ratelimit-Policy", "X-Ratelimit-Limit-Tokens", remainingTokens,
		resetTokens, "X-Ratelimit-Limit-Requests", remainingRequests, resetRequests,
	} {
		delete(h, name)
	}
	for _, f := range anthropicFields {
		delete(h, f.limit)
		delete(h, f.remaining)
		delete(h, f.reset)
	}
}

// writeStanding writes where the caller stands after a decision: the OpenAI
// fields for tokens and requests, each for the limit with the least remaining
// share, and the IETF draft's for every limit (draft-ietf-httpapi-ratelimit-headers).
// It needs a buffer meanwhile, which it returns empty, perhaps grown.
func writeStanding(h http.Header, m *catalog.Model, d *limit.Decision, buffer []byte) []byte {
	rules, text := m.Policy.Rules(), m.PolicyText()
	if len(rules) == 0 {
		return buffer
	}
	f := fieldSet{b: buffer[:0]}
	if i := scarcest(rules, d, tokenMeters); i >= 0 {
		h["X-Ratelimit-Limit-Tokens"] = text.Rules[i].Max
		f.standing(&rules[i], d.Standings[i], remainingTokens, resetTokens)
	}
	if i := scarcest(rules, d, requestMeter); i >= 0 {
		h["X-Ratelimit-Limit-Requests"] = text.Rules[i].Max
		f.standing(&rules[i], d.Standings[i], remainingRequests, resetRequests)
	}
	h["Ratelimit-Policy"] = text.Policy
	f.structured(rules, text.Rules, d)
	f.writeTo(h)
	return f.b[:0]
}

// meterSet is a set of meters.
type meterSet uint8

// The sets that fields tell of. Rules on input or output tokens stand for tokens too.
const (
	requestMeter meterSet = 1 << limit.Requests
	inputMeter   meterSet = 1 << limit.InputTokens
	outputMeter  meterSet = 1 << limit.OutputTokens
	tokenMeters           = 1<<limit.Tokens | inputMeter | outputMeter
)

// anthropicField names the fields that Anthropic's API has for a set of meters.
type anthropicField struct {
	meters                  meterSet
	limit, remaining, reset string
}

var anthropicFields = [...]anthropicField{
	anthropic(requestMeter, "Requests"), anthropic(tokenMeters, "Tokens"),
	anthropic(inputMeter, "Input-Tokens"), anthropic(outputMeter, "Output-Tokens"),
}

func anthropic(meters meterSet, what string) anthropicField {
	name := "Anthropic-Ratelimit-" + what
	return anthropicField{meters, name + "-Limit", name + "-Remaining", name + "-Reset"}
}

// writeAnthropicStanding writes where the caller stands as Anthropic's API does
// (https://docs.anthropic.com/en/api/rate-limits): each for the limit with the least
// remaining share, and with the moment at which it is whole again. The buffer is as
// that of writeStanding.
func writeAnthropicStanding(
	h http.Header, m *catalog.Model, d *limit.Decision, now time.Time, buffer []byte,
) []byte {
	rules, text := m.Policy.Rules(), m.PolicyText()
	f := fieldSet{b: buffer[:0]}
	for _, a := range &anthropicFields {
		i := scarcest(rules, d, a.meters)
		if i < 0 {
			continue
		}
		h[a.limit] = text.Rules[i].Max
		f.b = strconv.AppendInt(f.b, d.Standings[i].Remaining(&rules[i]), 10)
		f.end(a.remaining)
		whole := now.Add(d.Standings[i].Reset + time.Second - 1) // not too early, in seconds
		f.b = whole.UTC().AppendFormat(f.b, time.RFC3339)
		f.end(a.reset)
	}
	f.writeTo(h)
	return f.b[:0]
}

// scarcest returns the index of the rule on one of the meters with the least
// remaining share, or -1.
func scarcest(rules []limit.Rule, d *limit.Decision, meters meterSet) int {
	best, least := -1, 0.0
	for i := range rules {
		r := &rules[i]
		if meters>>r.Meter&1 == 0 {
			continue
		}
		share := float64(d.Standings[i].Remaining(r)) / float64(max(1, r.Admissible))
		if best < 0 || share < least {
			best, least = i, share
		}
	}
	return best
}

// standing adds the fields of what remains of a rule, and when it is whole again.
func (f *fieldSet) standing(r *limit.Rule, s limit.Standing, remaining, reset string) {
	f.b = strconv.AppendInt(f.b, s.Remaining(r), 10)
	f.end(remaining)
	f.b = append(f.b, s.Reset.Round(time.Millisecond).String()...)
	f.end(reset)
}

// structured adds RateLimit, a list of structured fields with an item per rule.
func (f *fieldSet) structured(rules []limit.Rule, text []catalog.RuleText, d *limit.Decision) {
	for i := range rules {
		f.b = append(f.b, text[i].Item...)
		f.b = strconv.AppendInt(f.b, catalog.Structured(d.Standings[i].Remaining(&rules[i])), 10)
		f.b = append(f.b, ";t="...)
		f.b = strconv.AppendInt(f.b, int64((d.Standings[i].Reset+time.Second-1)/time.Second), 10)
	}
	f.end("Ratelimit")
}
