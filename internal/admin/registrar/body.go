package registrar

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"os"
	"reflect"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/token-rate-limiter/token-rate-limiter/internal/reply"
)

// bodyBytesMax bounds a body: a key with all that it may have is far smaller.
const bodyBytesMax = 64 << 10

// The media types of bodies. A merge patch is JSON, and taken by either name.
const (
	mediaJSON  = "application/json"
	mediaPatch = "application/merge-patch+json" // RFC 7396
)

// read reads the body of a request, which has one of the media types, and finds out once more who
// asks: a body may take its time, and a credential may end meanwhile.
func (h *Handler) read(c *call, media ...string) ([]byte, error) {
	text, err := readBody(c.Request, media...)
	if err != nil {
		return nil, err
	}
	by, refused := h.Gate.Principal(c.Request, c.rule)
	if refused != nil {
		return nil, refused
	}
	c.by = by
	return text, nil
}

// readBody reads the body of a request, which has one of the media types. It fails with a
// [*reply.Problem].
func readBody(r *http.Request, media ...string) ([]byte, error) {
	if err := checkMedia(r.Header, media); err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(r.Body, bodyBytesMax+1))
	switch {
	case len(text) > bodyBytesMax:
		return nil, problem("request_too_large",
			"the body has more than %d bytes", bodyBytesMax)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, problem("request_timeout",
			"the body did not arrive in time: send it faster")
	case err != nil:
		return nil, problem("invalid_request",
			"the body ends before its end: send all of it")
	}
	return text, nil
}

// checkMedia checks what a header says of the body.
func checkMedia(h http.Header, media []string) error {
	kind, parameters, err := mime.ParseMediaType(h.Get("Content-Type"))
	known := false
	for _, m := range media {
		known = known || m == kind
	}
	charset := parameters["charset"]
	if err != nil || !known || charset != "" && !strings.EqualFold(charset, "utf-8") {
		p := problem("unsupported_media_type",
			"the body must be JSON in UTF-8: send Content-Type: %s", strings.Join(media, " or "))
		p.Faults = []reply.Fault{{Header: "Content-Type", Detail: "names another media type"}}
		return p
	}
	if coding := h.Get("Content-Encoding"); coding != "" && coding != "identity" {
		p := problem("unsupported_media_type",
			"the body must be sent as it is, without Content-Encoding")
		p.Faults = []reply.Fault{{Header: "Content-Encoding", Detail: "is not understood"}}
		return p
	}
	return nil
}

// parse reads text, a JSON object, into the struct that to points at. A member that is not
// known, comes twice or is written otherwise is a fault, and so is anything behind the object.
// It fails with a [*reply.Problem] that says where, and quotes nothing of the text.
func parse(text []byte, to any) error {
	if k := jsontext.Value(text).Kind(); k != '{' {
		return faulty("#", "must be a JSON object")
	}
	err := json.Unmarshal(text, to, json.RejectUnknownMembers(true))
	if err == nil {
		return nil
	}
	var fault *reply.Problem
	semantic, isSemantic := errors.AsType[*json.SemanticError](err)
	syntactic, isSyntactic := errors.AsType[*jsontext.SyntacticError](err)
	switch {
	case errors.As(err, &fault):
		return fault
	case isSemantic && errors.Is(err, json.ErrUnknownName):
		at := pointer(semantic.JSONPointer)
		if at == "#" {
			return faulty(at, "has a member that is not known here")
		}
		return faulty(at, "is not known here")
	case isSemantic:
		return faulty(pointer(semantic.JSONPointer), "must be "+nameOf(semantic.GoType))
	case isSyntactic && errors.Is(err, jsontext.ErrDuplicateName):
		return faulty(pointer(syntactic.JSONPointer), "comes twice")
	case isSyntactic:
		return faulty(pointer(syntactic.JSONPointer), "is not JSON in UTF-8")
	}
	return faulty("#", "is not JSON in UTF-8")
}

// wordBytesMax is the longest word of a client's own that is repeated to it: a longer one is no
// misspelt name, and may be a secret that stands in a wrong place.
const wordBytesMax = 31

// pointerBytesMax bounds a place.
const pointerBytesMax = 128

// pointer returns a place in a body as RFC 9457 writes it; the body as a whole, where it is very
// deep, or below a name that is not repeated.
func pointer(p jsontext.Pointer) string {
	if len(p) > pointerBytesMax {
		return "#"
	}
	for token := range p.Tokens() {
		if len(token) > wordBytesMax {
			return "#"
		}
	}
	u := url.URL{Fragment: strings.ToValidUTF8(string(p), "\uFFFD")}
	return "#" + u.EscapedFragment() // RFC 6901, section 6
}

// nameOf returns what JSON calls values of a type.
func nameOf(t reflect.Type) string {
	if t == nil {
		return "something else"
	}
	switch t.Kind() {
	case reflect.String:
		return "a string"
	case reflect.Bool:
		return "true or false"
	case reflect.Slice:
		return "a list"
	}
	return "something else"
}

// faulty returns a problem with one place of the body.
func faulty(pointer, detail string) *reply.Problem {
	name := strings.TrimPrefix(strings.TrimPrefix(pointer, "#"), "/")
	if name == "" {
		name = "the body"
	}
	p := problem("invalid_request", "%s %s", name, detail)
	p.Faults = []reply.Fault{{Pointer: pointer, Detail: detail}}
	return p
}
