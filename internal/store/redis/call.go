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

// errBacklog is the cause of calls that are not sent because so many wait for answers.
var errBacklog = errors.New("as many calls as may wait for its answer")

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
	text := fmt.Sprintf("redis: %s: %v: %s: %v",
		e.operation, limit.ErrUnavailable, e.server.Address, e.cause)
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

// callAll runs requests together, all in one round trip, within timeout, and returns an
// answer for each. Their number is to be bounded. A server that does not know the script
// is told it by the first request; that takes another round trip. Nothing is sent twice
// but for that.
func (s *Store) callAll(ctx context.Context, timeout time.Duration, requests []request) []answer {
	if len(requests) == 0 {
		return nil
	}
	till := time.Now().Add(timeout)
	answers := s.exchange(newTurn(ctx), till, requests)
	var again []request
	var at []int
	for i := range answers {
		if answers[i].forgotten() {
			again, at = append(again, requests[i]), append(at, i)
		}
	}
	if len(again) > 0 {
		again[0].whole = true
		for i, a := range s.exchange(newTurn(ctx), till, again) {
			answers[at[i]] = a
		}
	}
	return answers
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
		silent := !unsent && a.err != nil && asRefusal(a.err) == nil
		lost = lost || silent && !gaveUp(ctx, a.err, till)
	}
	if lost {
		s.gate.failed(start)
	} else if answers[len(answers)-1].err == nil {
		s.gate.succeeded()
	}
	return answers
}

// carry sends requests once the backlog has room for them, and reads the answers.
func (s *Store) carry(turn *turn, requests []request) []answer {
	if !s.backlog.enter(turn.Context) {
		return s.unsent(requests, fmt.Errorf("%w: %w", errBacklog, turn.Err()))
	}
	client, answers := s.client.Load(), make([]answer, len(requests))
	results := client.together(turn, s.stamped(requests))
	s.backlog.leave(results[len(results)-1].Error())
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
	values, err := result.AsIntSlice()
	if err == nil && len(values) > 0 && strconv.FormatInt(values[0], 10) == r.args[0] {
		return answer{values: values[1:]}
	}
	failure := &callError{r.script.operation, err, true, &s.options}
	_, refused := rueidis.IsRedisErr(err)
	switch {
	case err == nil:
		s.drop(client)
		failure.cause = errDesync
	case refused:
		if strings.Contains(err.Error(), "READONLY") {
			s.demoted()
		}
		midway := strings.Contains(err.Error(), "can't run this command")
		failure.unsure = midway && r.script != s.scripts.try
	default:
		dial, ok := errors.AsType[*net.OpError](err)
		failure.unsure = !(ok && dial.Op == "dial") && !errors.Is(err, errUntried)
	}
	return answer{err: failure}
}

// gaveUp reports whether a call ended with err because the context of who made it
// did, and not at the deadline that every call has. The connection may notice
// a deadline before the context does.
func gaveUp(ctx context.Context, err error, deadline time.Time) bool {
	own, ok := ctx.Deadline()
	early := ok && own.Before(deadline) && errors.Is(err, context.DeadlineExceeded)
	return early || ctx.Err() != nil
}
