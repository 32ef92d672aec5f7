package reply

import (
	"net/http"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/token-rate-limiter/token-rate-limiter/internal/failure"
)

// Problem says why a request is not served by the registrar, as RFC 9457 has it. Its type is
// always about:blank, so that the title is that of the status: programs go by the code.
// It is an error, and its text is the detail.
type Problem struct {
	Status int           // of HTTP
	Code   string        // for programs
	Detail string        // for people: the thing, its value and the remedy; never a secret
	Faults []Fault       // what is wrong where in the request
	Retry  time.Duration // how long to wait before another try; 0: that is no help
}

// Fault is what is wrong with a part of a request: one of the first three says with which.
type Fault struct {
	Pointer   string `json:"pointer,omitzero"`   // into the body: "#" and an RFC 6901 pointer
	Parameter string `json:"parameter,omitzero"` // of the query
	Header    string `json:"header,omitzero"`    // a field of the header
	Detail    string `json:"detail"`
}

// problemBody is the body of a problem.
type problemBody struct {
	Type      string  `json:"type"`
	Title     string  `json:"title"`
	Status    int     `json:"status"`
	Detail    string  `json:"detail"`
	Code      string  `json:"code"`
	Errors    []Fault `json:"errors,omitzero"`
	RequestID string  `json:"request_id"`
}

// Error implements error.
func (p *Problem) Error() string { return p.Detail }

// ProblemOf returns a failure as a problem: its status and code are those that clients of the
// data plane are told.
func ProblemOf(e *failure.Error) *Problem {
	b := BodyOf(e)
	return &Problem{Status: b.Status, Code: b.Code, Detail: e.Message, Retry: e.RetryAfter}
}

// Write writes the problem as the answer to a request.
func (p *Problem) Write(w http.ResponseWriter) {
	h := w.Header()
	var id string
	if known := h[IDHeader]; len(known) > 0 {
		id = known[0]
	}
	body, err := json.Marshal(problemBody{
		Type: "about:blank", Title: titleOf(p.Status), Status: p.Status, Detail: p.Detail,
		Code: p.Code, Errors: p.Faults, RequestID: id,
	})
	if err != nil { // a text is no UTF-8, and others' texts are checked before
		Error(w, failure.Internal(), 0)
		return
	}
	h["Content-Type"] = []string{"application/problem+json"}
	h["Content-Length"] = []string{strconv.Itoa(len(body))}
	if p.Retry > 0 {
		writeRetryAfter(h, p.Retry)
	}
	if p.Status == http.StatusUnauthorized {
		h["Www-Authenticate"] = []string{"Bearer"} // RFC 9110 wants a challenge
	}
	w.WriteHeader(p.Status)
	// The client may have left; there is nobody to tell.
	_, _ = w.Write(body)
}

// titleOf returns the name of a status.
func titleOf(status int) string {
	if status == StatusClientGone {
		return "Client Closed Request" // as nginx names it
	}
	return http.StatusText(status)
}
