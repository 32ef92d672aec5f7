package proxy

import (
	"net/http"
	"strings"

	"github.com/token-rate-limiter/token-rate-limiter/internal/upstream"
)

// sentFields are the request header fields that every model server gets, beside
// X-Request-ID and what a model's forward-headers list.
var sentFields = []string{"Traceparent", "Tracestate", "Accept", "User-Agent"}

// returnedFields are the response header fields that reach the client.
var returnedFields = []string{"Content-Type", "Content-Language", "Cache-Control"}

// fields returns the header fields that go to the model server.
func (x *exchange) fields() []upstream.Field {
	list := append(x.outgoing[:0], upstream.Field{Name: "X-Request-Id", Value: x.id})
	traced := x.span != nil
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
	x.outgoing = list
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

// header returns the first value of a field by its canonical name.
func header(h http.Header, name string) string {
	if v := h[name]; len(v) > 0 {
		return v[0]
	}
	return ""
}

// defaultType says that an answer is JSON where its header does not name a type.
func defaultType(h http.Header) {
	if _, ok := h["Content-Type"]; !ok {
		h["Content-Type"] = []string{"application/json"}
	}
}
