package redis

import (
	"cmp"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
)

// DefaultTimeout is how long one call may take unless Options say otherwise.
const DefaultTimeout = 50 * time.Millisecond

// Times of leases. The scripts get them from here.
const (
	leaseTTL       = 10 * time.Second // how long a replica counts after it was last heard of
	heartbeatEvery = 3 * time.Second
	forgetAfter    = time.Hour // after the end of its lease, a replica is forgotten
)

// Options of a Store. Only Address is needed.
type Options struct {
	Address  string // host:port
	Username string // of the ACL user; "" is the default user
	Password string // "" for none
	Database int
	TLS      *tls.Config // nil: none

	// Timeout is how long one call may take; 0 means DefaultTimeout.
	Timeout time.Duration

	// Now replaces the server's clock in every script, for tests; nil means
	// the server's.
	Now func() limit.Instant

	// Observe is told of every script that was sent, under the name of its
	// operation: how long it took, and the error if it failed. It is called
	// on the request path, from many goroutines. nil means nobody.
	Observe func(operation string, took time.Duration, err error)

	// Restored is told when the server is found to have lost what this process runs of
	// a model (its data are gone, or the process was cut off for longer than an hour):
	// so many requests count again. It is called by the goroutine of the heartbeats,
	// and must not call the store. nil means nobody.
	Restored func(model string, requests int)

	// Forgone is told of requests to a model without limits that are not counted, for too
	// much waits to be applied: each one, and which is the first since one was counted.
	// It is called by any goroutine, and must not call the store. nil means nobody.
	Forgone func(model string, first bool)

	// Stepped is told of every step of the server's clock by more than a second, and by
	// how much at the least: ahead, or back where it is negative. As Restored.
	Stepped func(by time.Duration)

	// replica identifies this process among those that share the Redis, in letters, digits,
	// '-' and '_'. It must be new at every start, for the numbers of charges start anew; ""
	// makes a random one.
	replica string

	// local is a clock of this process, in ms, that does not step; nil: its own.
	local func() int64

	// heartbeat is the time between heartbeats; 0 means heartbeatEvery,
	// negative none.
	heartbeat time.Duration
}

// withDefaults returns o with what was left out, or an error that names the
// option that cannot be.
func (o Options) withDefaults() (Options, error) {
	if o.Address == "" {
		return o, errors.New("redis: no address is given; set the host and port of the server")
	}
	o.Timeout = cmp.Or(o.Timeout, DefaultTimeout)
	o.heartbeat = cmp.Or(o.heartbeat, heartbeatEvery)
	o.replica = cmp.Or(o.replica, rand.Text()[:12])
	if o.Observe == nil {
		o.Observe = func(string, time.Duration, error) {}
	}
	if o.Restored == nil {
		o.Restored = func(string, int) {}
	}
	if o.Forgone == nil {
		o.Forgone = func(string, bool) {}
	}
	if o.Stepped == nil {
		o.Stepped = func(time.Duration) {}
	}
	return o, nil
}
