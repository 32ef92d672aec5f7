package http1

import (
	"bytes"
	"context"
	"net/http"
	"net/textproto"
	"net/url"
	"strconv"
	"strings"

	"github.com/token-rate-limiter/token-rate-limiter/internal/httpsyntax"
)

// head is the head of a request. It is used for one request after the other.
type head struct {
	method, target, host string
	url                  url.URL
	header               http.Header
	values               []string // those of header, one after the other
	length               int64    // of the body
	counted              bool     // the length was told
	close                bool     // the client asks for no more than this
}

// headerFieldsMax is how large a map is kept for the next request.
const headerFieldsMax = 64

// reset forgets a request, which has to be done before the next one is parsed.
func (h *head) reset() {
	header, values := h.header, h.values
	if len(header) > headerFieldsMax {
		header, values = nil, nil
	}
	clear(header)
	clear(values)
	*h = head{header: header, values: values[:0]}
}

// parse reads the head that b begins with and returns its size. It is 0, and
// nothing is said about the request, where the head is not all there or not plain.
//
// Plain is (RFC 9112): a method of upper-case letters; a target that is an absolute path, with or
// without a query; HTTP/1.1; fields of one line each, which all end with CR LF; one Host; at most
// one Content-Length; a Connection that is "close" or "keep-alive", if there is one; no transfer
// coding, expectation or upgrade. The body, if there is one, has a length then.
func (h *head) parse(b []byte) (size int) {
	end := bytes.Index(b, []byte("\r\n\r\n"))
	if end < 0 {
		return 0
	}
	line, fields, _ := strings.Cut(string(b[:end+2]), "\n")
	if !h.parseLine(line) || !h.parseFields(fields) || h.host == "" {
		return 0
	}
	return end + 4
}

// parseLine reads the request line, up to its CR.
func (h *head) parseLine(line string) bool {
	method, rest, _ := strings.Cut(line, " ")
	target, version, _ := strings.Cut(rest, " ")
	if version != "HTTP/1.1\r" || !httpsyntax.ValidMethod(method) || method == http.MethodConnect {
		return false
	}
	if !strings.HasPrefix(target, "/") || strings.HasPrefix(target, "//") {
		return false
	}
	h.method, h.target = method, target
	if httpsyntax.All(target, httpsyntax.BarePath) {
		h.url = url.URL{Path: target}
		return true
	}
	u, err := url.ParseRequestURI(target)
	if err != nil {
		return false
	}
	h.url = *u
	return true
}

func (h *head) parseFields(fields string) bool {
	if h.header == nil {
		h.header = make(http.Header)
	}
	for fields != "" {
		name, value, after, ok := httpsyntax.CutField(fields)
		if !ok || !strings.HasPrefix(after, "\r\n") ||
			!h.field(textproto.CanonicalMIMEHeaderKey(name), value) {
			return false
		}
		fields = after[2:]
	}
	return true
}

// field takes a field by its canonical name. It reports false where that is one
// that makes a request not plain.
func (h *head) field(name, value string) bool {
	switch name {
	case "Host":
		ok := h.host == "" && value != "" && httpsyntax.All(value, httpsyntax.BareHost)
		h.host = value
		return ok
	case "Content-Length":
		if h.counted || !h.parseLength(value) {
			return false
		}
	case "Connection":
		h.close = strings.EqualFold(value, "close")
		if !h.close && !strings.EqualFold(value, "keep-alive") || h.header[name] != nil {
			return false
		}
	case "Transfer-Encoding", "Trailer", "Expect", "Upgrade", "Http2-Settings",
		"Pragma": // which net/http takes for a Cache-Control
		return false
	}
	if before, again := h.header[name]; again {
		h.header[name] = append(before, value)
		return true
	}
	h.values = append(h.values, value)
	n := len(h.values)
	h.header[name] = h.values[n-1 : n : n]
	return true
}

// lengthDigitsMax is how many digits a length has, which then fits into an int64.
const lengthDigitsMax = 18

func (h *head) parseLength(digits string) bool {
	if len(digits) > lengthDigitsMax {
		return false
	}
	n, err := strconv.ParseUint(digits, 10, 63)
	h.length, h.counted = int64(n), true
	return err == nil
}

// request returns the request.
func (h *head) request(ctx context.Context, remote string, b *body) *http.Request {
	r := http.Request{
		Method: h.method, URL: &h.url, RequestURI: h.target, Host: h.host, Header: h.header,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Close: h.close, RemoteAddr: remote,
		Body: http.NoBody, ContentLength: h.length,
	}
	if h.length > 0 {
		r.Body = b
	}
	return r.WithContext(ctx)
}
