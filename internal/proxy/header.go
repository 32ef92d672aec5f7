package proxy

import (
	"crypto/rand"
	"net/http"
	"strconv"
	"strings"
	"time"

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
	list := append(x.fieldset[:0], upstream.Field{Name: "X-Request-Id", Value: x.id})
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
	x.fieldset = list
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
		if values := from.Values(name); values != nil {
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
	repeatID(h, endpoint)
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
