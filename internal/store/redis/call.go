package redis

import (
	"context"
	"errors"
	"fmt"
	"net"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/redis/rueidis"

	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
)

// errShut is the cause of calls that are not sent because those before them
// failed.
var errShut = errors.New("it did not answer, and is being probed")

// errDesync is the cause of a reply that belongs to another call.
var errDesync = errors.New("the reply belongs to another call")

// errNoPlace is the cause of calls that are not sent because so many wait for answers.
var errNoPlace = errors.New("as many calls as may wait for its answer")

// callError is the error of a call that failed.
type callError struct {
	operation string
	cause     error
	// unsure tells that the script may run, or have run, all the same.
	unsure bool
	server *Options
}

// Error names the server, and the settings to look at.
func (e *callError) Error() string {
	text := fmt.Sprintf("redis: %s: %v: %s: %v", e.operation, limit.ErrUnavailable, e.server.Address, e.cause)
	if remedy := e.server.remedy(e.operation, e.cause); remedy != "" {
		text += "; " + remedy
	}
	return text
}

// Lacking returns the command that the server refuses although scripts need it; "" where
// the error is another one.
func (e *callError) Lacking() string {
	found := lackingCommand.FindStringSubmatch(e.cause.Error())
	if found == nil {
		return ""
	}
	return strings.ToUpper(found[1] + found[2])
}

// lackingCommand finds the command in the error of a rehearsal, and in the server's own of
// a script that may not be sent.
var lackingCommand = regexp.MustCompile(`^REFUSED ([A-Z]+) on |^NOPERM .*'([a-z]+)' command`)

// failed returns the error of a call that changes nothing.
func (s *Store) failed(operation string, cause error) *callError {
	return &callError{operation: operation, cause: cause, server: &s.options}
}

func (e *callError) Unwrap() []error { return []error{limit.ErrUnavailable, e.cause} }

// isUnsure reports whether the script of a call that ended with err may run,
// or have run.
func isUnsure(err error) bool {
	e, ok := errors.AsType[*callError](err)
	return ok && e.unsure
}

// request is a script that is to run, and what it gets.
type request struct {
	script  *script
	keys    []string
	args    []string // the first is a nonce, which the script echoes
	whole   bool     // the script is sent as it is, not by its hash: the server may not know it
	program *program // under which it is decided; nil where nothing is
}

// answer is what became of a request: the script's result without the nonce, or
// an error.
type answer struct {
	values []int64
	err    error
}

// forgotten reports whether the server did not run the script because it does not
// know it by its hash.
func (a *answer) forgotten() bool {
	e := asRefusal(a.err)
	if e == nil {
		return false
	}
	cause, _ := rueidis.IsRedisErr(e.cause)
	return cause.IsNoScript()
}

// call runs a script once and returns its result without the nonce, which is
// args[0]. It takes at most timeout, and fails at once while the gate is closed. It
// is never sent twice, but where the server does not know it by its hash.
func (s *Store) call(ctx context.Context, sc *script, timeout time.Duration, keys, args []string) ([]int64, error) {
	a := s.callAll(ctx, timeout, []request{{script: sc, keys: keys, args: args}})[0]
	return a.values, a.err
}

// exchange sends requests together on one connection, in their order, and returns
// an answer for each. It takes until the given time at most, and fails at once while
// the gate is closed. The turn is over when no call that begins after that can
// overtake this one: that is long before it is answered.
func (s *Store) exchange(turn *turn, till time.Time, requests []request) []answer {
	defer turn.end()
	if !s.gate.isOpen() {
		return s.unsent(requests, errShut)
	}
	start, ctx := time.Now(), turn.Context
	limited, cancel := context.WithDeadline(ctx, till)
	defer cancel()
	turn.Context = limited
	answers := s.carry(turn, requests)
	took, lost := time.Since(start), false
	for i := range answers {
		a := &answers[i]
		unsent := a.forgotten() || errors.Is(a.err, errUntried)
		if !unsent {
			s.options.Observe(requests[i].script.operation, took, a.err)
		}
		lost = lost || !unsent && a.err != nil && asRefusal(a.err) == nil && !gaveUp(ctx, a.err, till)
	}
	if lost {
		s.gate.failed(start)
	} else if answers[len(answers)-1].err == nil {
		s.gate.succeeded()
	}
	return answers
}

// carry sends requests once there is a place for them, and reads the answers.
func (s *Store) carry(turn *turn, requests []request) []answer {
	if !s.places.take(turn.Context) {
		return s.unsent(requests, fmt.Errorf("%w: %w", errNoPlace, turn.Err()))
	}
	client, answers := s.client.Load(), make([]answer, len(requests))
	results := client.together(turn, s.stamped(requests))
	s.places.leave(results[len(results)-1].Error())
	for i := range answers {
		answers[i] = s.read(client, &requests[i], results[i])
	}
	return answers
}

// unsent returns the answers to requests that are not sent.
func (s *Store) unsent(requests []request, cause error) []answer {
	answers := make([]answer, len(requests))
	for i := range answers {
		answers[i].err = s.failed(requests[i].script.operation, cause)
	}
	return answers
}

// stamped returns requests with the time for their scripts, where a test sets it.
func (s *Store) stamped(requests []request) []request {
	if s.options.Now == nil {
		return requests
	}
	stamped := make([]request, len(requests))
	for i, r := range requests {
		stamped[i] = r
		stamped[i].args = append(r.args, number(int64(s.options.Now())))
	}
	return stamped
}

// read reads the result of a request. A script that was answered with an error
// (the server is full, or loading its data) has changed nothing: its first write is
// what fails. But a command may have been taken away from it, which is not its first.
func (s *Store) read(client *client, r *request, result rueidis.RedisResult) answer {
	operation := r.script.operation
	values, err := result.AsIntSlice()
	if err == nil && (len(values) == 0 || strconv.FormatInt(values[0], 10) != r.args[0]) {
		s.drop(client)
		return answer{err: &callError{operation, errDesync, true, &s.options}}
	}
	if err == nil {
		return answer{values: values[1:]}
	}
	if _, refused := rueidis.IsRedisErr(err); refused {
		if strings.Contains(err.Error(), "READONLY") {
			s.demoted()
		}
		midway := r.script != s.scripts.try && strings.Contains(err.Error(), "can't run this command")
		return answer{err: &callError{operation, err, midway, &s.options}}
	}
	dial, ok := errors.AsType[*net.OpError](err)
	unsent := ok && dial.Op == "dial" || errors.Is(err, errUntried)
	return answer{err: &callError{operation, err, !unsent, &s.options}}
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
