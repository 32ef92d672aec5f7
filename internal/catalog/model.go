package catalog

import (
	"sync/atomic"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
	"github.com/token-rate-limiter/token-rate-limiter/internal/telemetry"
	"github.com/token-rate-limiter/token-rate-limiter/internal/upstream"
	"github.com/token-rate-limiter/token-rate-limiter/internal/usage"
)

// Model is a served model. Its fields are not changed once it is in a Catalog.
type Model struct {
	Name     string // the name that clients use
	ServedAs string // the name that the model server knows

	Policy  *limit.Policy
	Pricer  *usage.Pricer
	Pool    *upstream.Pool // the model servers, which other models may share
	Metrics *telemetry.Model

	FirstByteTimeout time.Duration // of streams
	ResponseTimeout  time.Duration // of everything else
	IdleTimeout      time.Duration // between two events of a stream

	// WorstCase tells that the largest possible output is reserved, and the server held to it.
	WorstCase  bool
	ExactInput bool // tells that the model server counts the input before a request is admitted

	ForwardHeaders []string // canonical names of request headers that are passed on
	AllowFields    []string // body members that are passed on although held back or unknown
	// RefuseUnknown tells that a request with a body member that nobody has
	// classified is refused; else the member is left out.
	RefuseUnknown bool

	Quirks *Quirks // what was found out about model servers, which all models share; never nil

	Gone    func() // called when nobody holds the model any more; nil: nothing is
	holders atomic.Int64
	text    PolicyText
}

// PolicyText returns what answers say of the Policy. The caller must not change it.
func (m *Model) PolicyText() *PolicyText { return &m.text }

// PublicName returns the name to write into answers, or "" where the model
// server's own is the public one already.
func (m *Model) PublicName() string {
	if m.ServedAs == m.Name {
		return ""
	}
	return m.Name
}
