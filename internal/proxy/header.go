package proxy

import (
	"crypto/rand"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
	"github.com/token-rate-limiter/token-rate-limiter/internal/openai"
	"github.com/token-rate-limiter/token-rate-limiter/internal/upstream"
)

// sentFields are the request header fields that every model server gets, beside
// X-Request-ID and what a model's forward-headers list.
var sentFields = []string{"Traceparent", "Tracestate", "Accept", "User-Agent"}

// returnedFields are the response header fields that reach the client.
var returnedFields = []string{"Content-Type", "Content-Language", "Cache-Control"}

// fields returns the header fields that go to the model server.
func (x *exchange) fields() []upstream.Field {
	list := make([]upstream.Field, 1, 1+len(sentFields)+len(x.model.ForwardHeaders))
	list[0] = upstream.Field{Name: "X-Request-Id", Value: x.id}
	for _, names := range [...][]string{sentFields, x.model.ForwardHeaders} {
		for _, name := range names {
			if v := header(x.r.Header, name); v != "" {
				list = append(list, upstream.Field{Name: name, Value: v})
			}
		}
	}
	return list
}

// copyHeader copies what may be returned of a model server's header.
func copyHeader(to, from http.Header) {
	for _, name := range returnedFields {
		if v := from[name]; len(v) > 0 {
			to[name] = v
		}
	}
}

// requestIDBytesMax is the longest request id that is taken from a client.
const requestIDBytesMax = 128

// requestID returns the client's request id if it is a plain one, or a new one.
func requestID(h http.Header) string {
	id := header(h, "X-Request-Id")
	if id == "" || len(id) > requestIDBytesMax {
		return rand.Text()
	}
	for i := range len(id) {
		if id[i] <= ' ' || id[i] > '~' {
			return rand.Text()
		}
	}
	return id
}

// WriteError writes an answer of the gateway's own.
func WriteError(w http.ResponseWriter, e *openai.Error, endpoint openai.Endpoint) {
	h := w.Header()
	h["Content-Type"] = []string{"application/json"}
	if e.RetryAfter > 0 {
		writeRetryAfter(h, e)
	}
	body := e.AppendJSON(nil, endpoint)
	h["Content-Length"] = []string{strconv.Itoa(len(body))}
	w.WriteHeader(e.Status)
	// The client may have left; there is nobody to tell.
	_, _ = w.Write(body)
}

// patience is the wait from which on clients' libraries are told not to try
// again by themselves.
const patience = time.Minute

func writeRetryAfter(h http.Header, e *openai.Error) {
	seconds := e.RetryAfterSeconds()
	h["Retry-After"] = []string{strconv.FormatInt(seconds, 10)}
	h["Retry-After-Ms"] = []string{strconv.FormatInt(seconds*1000, 10)}
	if e.RetryAfter > patience {
		h["X-Should-Retry"] = []string{"false"}
	}
}

// writeStanding writes where the caller stands after a decision: the OpenAI
// fields for tokens and requests, each for the limit with the least remaining
// share, and the IETF draft's for every limit (draft-ietf-httpapi-ratelimit-headers).
func writeStanding(h http.Header, p *limit.Policy, d *limit.Decision) {
	rules := p.Rules()
	if len(rules) == 0 {
		return
	}
	if i := scarcest(rules, d, limit.Tokens); i >= 0 {
		h["X-Ratelimit-Limit-Tokens"], h["X-Ratelimit-Remaining-Tokens"], h["X-Ratelimit-Reset-Tokens"] = standing(&rules[i], d.Standings[i])
	}
	if i := scarcest(rules, d, limit.Requests); i >= 0 {
		h["X-Ratelimit-Limit-Requests"], h["X-Ratelimit-Remaining-Requests"], h["X-Ratelimit-Reset-Requests"] = standing(&rules[i], d.Standings[i])
	}
	h["Ratelimit-Policy"], h["Ratelimit"] = structured(rules, d)
}

// scarcest returns the index of the rule on m with the least remaining share,
// or -1. Where nothing limits tokens as such, rules on input or output tokens
// stand for them.
func scarcest(rules []limit.Rule, d *limit.Decision, m limit.Meter) int {
	best, least := -1, 0.0
	for i := range rules {
		r := &rules[i]
		if (m == limit.Requests) != (r.Meter == limit.Requests) {
			continue
		}
		share := float64(d.Standings[i].Remaining(r)) / float64(max(1, r.Admissible))
		if best < 0 || share < least {
			best, least = i, share
		}
	}
	return best
}

// standing returns the values of limit, remaining and reset.
func standing(r *limit.Rule, s limit.Standing) (maximum, remaining, reset []string) {
	values := []string{
		strconv.FormatInt(r.Max, 10),
		strconv.FormatInt(s.Remaining(r), 10),
		s.Reset.Round(time.Millisecond).String(),
	}
	return values[0:1:1], values[1:2:2], values[2:3:3]
}

// structured returns the values of RateLimit-Policy and RateLimit: lists of
// structured fields, an item per rule, named by scope, meter and window.
func structured(rules []limit.Rule, d *limit.Decision) (policy, state []string) {
	var p, s strings.Builder
	p.Grow(48 * len(rules))
	s.Grow(48 * len(rules))
	var number [20]byte
	for i := range rules {
		r := &rules[i]
		if i > 0 {
			p.WriteString(", ")
			s.WriteString(", ")
		}
		for _, b := range [...]*strings.Builder{&p, &s} {
			b.WriteByte('"')
			b.WriteString(r.Scope.String())
			b.WriteByte('-')
			b.WriteString(r.Meter.String())
			b.WriteByte('-')
			b.WriteString(r.Window.String())
			b.WriteByte('"')
		}
		p.WriteString(";q=")
		p.Write(strconv.AppendInt(number[:0], r.Max, 10))
		p.WriteString(";w=")
		p.Write(strconv.AppendInt(number[:0], int64(r.Window.Length()/time.Second), 10))
		s.WriteString(";r=")
		s.Write(strconv.AppendInt(number[:0], d.Standings[i].Remaining(r), 10))
		s.WriteString(";t=")
		s.Write(strconv.AppendInt(number[:0], int64((d.Standings[i].Reset+time.Second-1)/time.Second), 10))
	}
	return []string{p.String()}, []string{s.String()}
}
