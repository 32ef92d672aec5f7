package limit

import "time"

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

// RunsMax is how many requests Slots tells apart.
const RunsMax = 1000
