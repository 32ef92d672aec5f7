package registry

import (
	"errors"
	"time"
)

// Once tells requests apart that may come several times and are to be carried out once.
type Once struct {
	ID   Sum // of who sends it, what for, and the key that he has given it
	Body Sum // of what it says
}

// OnceFor is for how long a request is told again.
const OnceFor = 24 * time.Hour

// ErrOtherBody is returned for a request that has the key of another one.
var ErrOtherBody = errors.New("the Idempotency-Key is that of another request: " +
	"give each change a key of its own")

// RepeatedError is returned for a request that was carried out before: nothing is changed.
type RepeatedError struct{ Object string } // the id of what it has changed

// Error implements error.
func (*RepeatedError) Error() string { return "the request was carried out before" }
