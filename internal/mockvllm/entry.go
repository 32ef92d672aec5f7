package mockvllm

import (
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/wire"
)

// Outcome is how a request ended.
type Outcome string

// The outcomes.
const (
	Running   Outcome = "running"
	Completed Outcome = "completed" // generated to the end; the last bytes were about to leave
	Cancelled Outcome = "cancelled" // the client left
	Broken    Outcome = "reset"     // the mock broke the answer off, as it was told to
	Refused   Outcome = "refused"   // the connection was closed without one byte
	Rejected  Outcome = "rejected"  // 4xx
	Failed    Outcome = "failed"    // 5xx, or an error event inside a stream
)

// Entry is what the ledger holds of one request. Token counts are what was
// really spent, whatever the client was told or received. Times that did not
// come are zero.
type Entry struct {
	// Seq numbers the ledger's entries from 1. ID is the request's
	// X-Request-Id, or one that the server made.
	Seq int64  `json:"seq"`
	ID  string `json:"id"`
	// Attempt is 1 for the first entry with this ID.
	Attempt  int    `json:"attempt"`
	User     string `json:"user,omitempty"`
	Model    string `json:"model"`
	Endpoint string `json:"endpoint"` // as wire.Endpoint prints it
	Stream   bool   `json:"stream,omitempty"`

	Outcome Outcome `json:"outcome"`
	// Status is the HTTP status sent; 0 for none.
	Status int `json:"status,omitempty"`

	// Input is 0 until the engine takes the request up.
	Input   int64    `json:"input"`
	Output  int64    `json:"output"`
	Cached  int64    `json:"cached,omitempty"`
	Choices []Choice `json:"choices,omitempty"`
	Told    Told     `json:"told"`

	// InFlight is the number of requests of the model that were in flight when
	// this one was accepted, itself included.
	InFlight int `json:"in_flight,omitempty"`

	Start  time.Time `json:"start"`            // arrived
	First  time.Time `json:"first,omitzero"`   // first token generated
	Last   time.Time `json:"last,omitzero"`    // last token generated
	Cancel time.Time `json:"cancel,omitzero"`  // the client's leaving was noticed
	End    time.Time `json:"end,omitzero"`     // nothing is generated any more
	Events []Event   `json:"events,omitempty"` // only with [Behavior.Ack]
}

// Choice is what one choice generated.
type Choice struct {
	Output int64     `json:"output"`
	First  time.Time `json:"first,omitzero"`
	Last   time.Time `json:"last,omitzero"`
}

// Event is one event of a stream whose events wait for acknowledgement.
type Event struct {
	Sent  time.Time `json:"sent"`
	Acked time.Time `json:"acked,omitzero"`
}

// Told is what the client was told of the usage.
type Told struct {
	// Any reports whether usage was told at all, Final whether the usage of
	// the whole answer was.
	Any   bool `json:"any,omitempty"`
	Final bool `json:"final,omitempty"`
	// Usage is what a reader knows who keeps the largest usage of each choice,
	// counts each prompt once, and lets the final usage replace all that.
	Usage wire.Usage `json:"usage"`
}

func (e *Entry) total() Total {
	return Total{Requests: 1, Input: e.Input, Output: e.Output, Cached: e.Cached}
}

// Total sums up entries.
type Total struct {
	Requests, Input, Output, Cached int64
}

func (t *Total) add(o Total) {
	t.Requests += o.Requests
	t.Input += o.Input
	t.Output += o.Output
	t.Cached += o.Cached
}
