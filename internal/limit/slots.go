package limit

import (
	"errors"
	"fmt"
	"time"
)

// Slots are the running requests of a model, by replica.
type Slots struct {
	At       Instant // the store's time
	Replicas []ReplicaSlots
	// Own are the requests of this process, the oldest first: of other replicas nobody knows
	// whose they are, nor since when they run. There are RunsMax of them at the most.
	Own []Run
}

// ReplicaSlots is what a store knows of a replica that serves a model.
type ReplicaSlots struct {
	Replica string // its id in the store; "" in one that no other replica shares
	Self    bool   // it is this process
	Running int64  // requests, as it was last heard
	// Heard is how long ago it was, by the lease clock.
	Heard time.Duration
	// Counts tells that its lease lasts, so that its requests count among those of the model.
	Counts bool
}

// Run is a request that is running.
type Run struct {
	User  string  // "" where there was no room for an account of its user's own
	Since Instant // when it was admitted
}

// ErrNoReplica is returned for a replica that a store does not know.
var ErrNoReplica = errors.New("no replica of that id serves the model")

// SilentFor is how long a replica was not heard that may be freed: it has missed two heartbeats.
const SilentFor = 6 * time.Second

// LiveError is returned for a replica that is not freed because it lives.
type LiveError struct {
	Self  bool          // it is this process
	Heard time.Duration // how long ago it was heard
}

// Error says why the replica is taken to live.
func (e *LiveError) Error() string {
	if e.Self {
		return "the replica is the one that answers"
	}
	return fmt.Sprintf("the replica was heard %v ago, and is taken for dead after %v",
		e.Heard.Round(100*time.Millisecond), SilentFor)
}

// RunsMax is how many requests Slots tells apart.
const RunsMax = 1000
