package redis

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/redis/rueidis"

	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
)

// errShut is the cause of calls that are not sent because those before them
// failed.
var errShut = fmt.Errorf("redis: %w: it did not answer, and is being probed", limit.ErrUnavailable)

// errDesync is the cause of a reply that belongs to another call.
var errDesync = errors.New("the reply belongs to another call")

// callError is the error of a call that failed.
type callError struct {
	operation string
	cause     error
	// unsure tells that the script may run, or have run, all the same.
	unsure bool
}

func (e *callError) Error() string {
	return fmt.Sprintf("redis: %s: %v: %v", e.operation, limit.ErrUnavailable, e.cause)
}

func (e *callError) Unwrap() []error { return []error{limit.ErrUnavailable, e.cause} }

// isUnsure reports whether the script of a call that ended with err may run,
// or have run.
func isUnsure(err error) bool {
	var e *callError
	return errors.As(err, &e) && e.unsure
}

// call runs a script once and returns its result without the nonce, which is
// args[0] and which the script echoes. It takes at most timeout, and fails at
// once while the gate is closed. It is never sent twice.
func (s *Store) call(ctx context.Context, sc *script, timeout time.Duration, keys, args []string) ([]int64, error) {
	if !s.gate.isOpen() {
		return nil, errShut
	}
	if s.now != nil {
		args = append(args, number(int64(s.now())))
	}
	start := time.Now()
	limited, cancel := context.WithTimeout(ctx, timeout)
	client := s.client.Load()
	reply, err := sc.lua.Exec(limited, client.Client, keys, args).AsIntSlice()
	cancel()
	switch {
	case err == nil && (len(reply) == 0 || strconv.FormatInt(reply[0], 10) != args[0]):
		s.drop(client)
		err = &callError{sc.operation, errDesync, true}
	case err == nil:
		s.gate.succeeded()
		reply = reply[1:]
	default:
		err = s.judge(sc, err, gaveUp(ctx, err, start.Add(timeout)))
	}
	s.observe(sc.operation, time.Since(start), err)
	return reply, err
}

// judge counts a call that was not answered, unless it was the caller who gave
// up, and tells whether the script may have run. A script that was answered
// with an error (the server is full, or loading its data) has changed nothing:
// its first write is what fails.
func (s *Store) judge(sc *script, err error, callerGaveUp bool) error {
	if _, refused := rueidis.IsRedisErr(err); refused {
		return &callError{sc.operation, err, false}
	}
	if !callerGaveUp {
		s.gate.failed()
	}
	var dial *net.OpError
	unsent := errors.As(err, &dial) && dial.Op == "dial"
	return &callError{sc.operation, err, !unsent}
}

// gaveUp reports whether a call ended with err because its caller's context
// did, and not at the deadline that every call has. The connection may notice
// a deadline before the context does.
func gaveUp(ctx context.Context, err error, deadline time.Time) bool {
	if ctx.Err() != nil {
		return true
	}
	callers, ok := ctx.Deadline()
	return ok && callers.Before(deadline) && errors.Is(err, context.DeadlineExceeded)
}
