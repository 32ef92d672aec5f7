package proxy

import (
	"crypto/rand"
	"net/http"
	"slices"
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
	list := append(x.sending[:0], upstream.Field{Name: "X-Request-Id", Value: x.id})
	traced := x.spans.attempt != nil
	if traced {
		list = x.appendTrace(list)
	}
	for _, names := range [...][]string{sentFields, x.model.ForwardHeaders} {
		for _, name := range names {
			if traced && carriesTrace(name) {
				continue
			}
			if v := header(x.r.Header, name); v != "" && !concernsConnection(x.r.Header, name) {
				list = append(list, upstream.Field{Name: name, Value: v})
			}
		}
	}
	x.sending = list
	return list
}

// concernsConnection reports whether the client's Connection names a field, which
// is then not for passing on (RFC 9110, section 7.6.1).
func concernsConnection(h http.Header, name string) bool {
	for _, options := range h["Connection"] {
		for option := range strings.SplitSeq(options, ",") {
			if strings.EqualFold(strings.TrimSpace(option), name) {
				return true
			}
		}
	}
	return false
}

// copyHeader copies what may be returned of a model server's header.
func copyHeader(to http.Header, from upstream.Header) {
	for _, name := range returnedFields {
		if values := slices.Collect(from.Values(name)); len(values) > 0 {
			to[name] = values
		}
	}
}

// WithRequestID gives every request an id, the client's if that is a plain one,
// and tells it in the answer.
func WithRequestID(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := []string{requestID(r.Header)}
		r.Header[requestIDHeader], w.Header()[requestIDHeader] = id, id
		next.ServeHTTP(w, r)
	})
}

// requestIDHeader is the canonical name of X-Request-ID.
const requestIDHeader = "X-Request-Id"

// anthropicIDHeader is where Anthropic's libraries look for a request's id.
const anthropicIDHeader = "Request-Id"

// repeatID tells the id where the libraries of the endpoint look for it too.
func repeatID(h http.Header, e openai.Endpoint) {
	if e.Anthropic() {
		h[anthropicIDHeader] = h[requestIDHeader]
	}
}

// requestIDBytesMax is the longest request id that is taken from a client.
const requestIDBytesMax = 128

// requestID returns the client's request id if it is a plain one, or a new one.
func requestID(h http.Header) string {
	id := header(h, requestIDHeader)
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
	if e.Status == http.StatusUnauthorized {
		h["Www-Authenticate"] = []string{"Bearer"} // RFC 9110 wants a challenge
	}
	body := e.AppendJSON(nil, endpoint)
	h["Content-Length"] = []string{strconv.Itoa(len(body))}
	w.WriteHeader(e.Status)
	// The client may have left; there is nobody to tell.
	_, _ = w.Write(body)
}

// patience is the longest wait after which clients' libraries may try again by
// themselves.
const patience = time.Minute

func writeRetryAfter(h http.Header, e *openai.Error) {
	seconds := e.RetryAfterSeconds()
	h["Retry-After"] = []string{strconv.FormatInt(seconds, 10)}
	h["Retry-After-Ms"] = []string{strconv.FormatInt(seconds*1000, 10)}
	if e.RetryAfter > patience {
		h["X-Should-Retry"] = []string{"false"}
	}
}

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

// writeStanding writes where the caller stands after a decision: the OpenAI
// fields for tokens and requests, each for the limit with the least remaining
// share, and the IETF draft's for every limit (draft-ietf-httpapi-ratelimit-headers).
// It needs a buffer meanwhile, which it returns empty, perhaps grown.
func writeStanding(h http.Header, p *limit.Policy, d *limit.Decision, buffer []byte) []byte {
	rules := p.Rules()
	if len(rules) == 0 {
		return buffer
	}
	f := fieldSet{b: buffer[:0]}
	if i := scarcest(rules, d, limit.Tokens); i >= 0 {
		f.standing(&rules[i], d.Standings[i], "X-Ratelimit-Limit-Tokens", "X-Ratelimit-Remaining-Tokens", "X-Ratelimit-Reset-Tokens")
	}
	if i := scarcest(rules, d, limit.Requests); i >= 0 {
		f.standing(&rules[i], d.Standings[i], "X-Ratelimit-Limit-Requests", "X-Ratelimit-Remaining-Requests", "X-Ratelimit-Reset-Requests")
	}
	f.structured(rules, d)
	f.writeTo(h)
	return f.b[:0]
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

// standing adds the fields of a maximum, what remains of it, and when it is
// whole again.
func (f *fieldSet) standing(r *limit.Rule, s limit.Standing, maximum, remaining, reset string) {
	f.b = strconv.AppendInt(f.b, r.Max, 10)
	f.end(maximum)
	f.b = strconv.AppendInt(f.b, s.Remaining(r), 10)
	f.end(remaining)
	f.b = append(f.b, s.Reset.Round(time.Millisecond).String()...)
	f.end(reset)
}

// structured adds RateLimit-Policy and RateLimit: lists of structured fields,
// an item per rule.
func (f *fieldSet) structured(rules []limit.Rule, d *limit.Decision) {
	for i := range rules {
		r := &rules[i]
		f.item(i, r)
		f.b = append(f.b, ";q="...)
		f.b = strconv.AppendInt(f.b, r.Max, 10)
		f.b = append(f.b, ";w="...)
		f.b = strconv.AppendInt(f.b, int64(r.Window.Length()/time.Second), 10)
	}
	f.end("Ratelimit-Policy")
	for i := range rules {
		r := &rules[i]
		f.item(i, r)
		f.b = append(f.b, ";r="...)
		f.b = strconv.AppendInt(f.b, d.Standings[i].Remaining(r), 10)
		f.b = append(f.b, ";t="...)
		f.b = strconv.AppendInt(f.b, int64((d.Standings[i].Reset+time.Second-1)/time.Second), 10)
	}
	f.end("Ratelimit")
}

// item begins the ith item of a list, with the name of a rule.
func (f *fieldSet) item(i int, r *limit.Rule) {
	if i > 0 {
		f.b = append(f.b, ", "...)
	}
	f.b = append(f.b, '"')
	f.b = append(f.b, r.Scope.String()...)
	f.b = append(f.b, '-')
	f.b = append(f.b, r.Meter.String()...)
	f.b = append(f.b, '-')
	f.b = append(f.b, r.Window.String()...)
	f.b = append(f.b, '"')
}
