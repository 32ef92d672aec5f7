package redis

import (
	"context"
	"strconv"
	"time"

	"github.com/redis/rueidis"
)

// pipelined is one call of many that go out together, and its reply: without the nonce,
// which is args[0].
type pipelined struct {
	keys, args []string
	reply      []int64
	err        error
}

// callMany runs a script once for each call, all in one round trip, within timeout. A
// caller bounds their number. A server that does not know the script is told it by the
// first call; that takes another one or two. All fail at once while the gate is closed.
func (s *Store) callMany(ctx context.Context, sc *script, timeout time.Duration, calls []*pipelined) {
	if !s.gate.isOpen() {
		for _, c := range calls {
			c.err = errShut
		}
		return
	}
	if len(calls) == 0 {
		return
	}
	if s.now != nil {
		for _, c := range calls {
			c.args = append(c.args, number(int64(s.now())))
		}
	}
	start := time.Now()
	limited, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	client := s.client.Load()
	if unknown := s.exchange(limited, client, sc, calls); len(unknown) > 0 {
		first := unknown[0]
		first.reply, first.err = sc.lua.Exec(limited, client.Client, first.keys, first.args).AsIntSlice()
		s.exchange(limited, client, sc, unknown[1:])
	}
	s.judgeMany(ctx, sc, client, calls, start.Add(timeout))
	s.observe(sc.operation, time.Since(start), calls[0].err)
}

// exchange sends calls by the script's hash, and returns those for which the server
// does not know the script. It leaves the nonces in the replies.
func (s *Store) exchange(ctx context.Context, c *client, sc *script, calls []*pipelined) (unknown []*pipelined) {
	commands := make([]rueidis.Completed, 0, len(calls))
	for _, p := range calls {
		commands = append(commands, c.B().Evalsha().Sha1(sc.sha).Numkeys(int64(len(p.keys))).Key(p.keys...).Arg(p.args...).Build())
	}
	for i, result := range c.DoMulti(ctx, commands...) {
		p := calls[i]
		p.reply, p.err = result.AsIntSlice()
		if e, ok := rueidis.IsRedisErr(p.err); ok && e.IsNoScript() {
			unknown = append(unknown, p)
		}
	}
	return unknown
}

// judgeMany makes of the calls what call makes of one. Those that were not answered
// count as one failure: they were one message.
func (s *Store) judgeMany(ctx context.Context, sc *script, c *client, calls []*pipelined, deadline time.Time) {
	var unanswered error
	answered := false
	for _, p := range calls {
		_, refused := rueidis.IsRedisErr(p.err)
		switch {
		case p.err == nil && (len(p.reply) == 0 || strconv.FormatInt(p.reply[0], 10) != p.args[0]):
			s.drop(c)
			p.err = &callError{sc.operation, errDesync, true}
		case p.err == nil:
			answered = true
			p.reply = p.reply[1:]
		case refused:
			p.err = s.judge(sc, p.err, false)
		case unanswered == nil:
			unanswered = s.judge(sc, p.err, gaveUp(ctx, p.err, deadline))
			p.err = unanswered
		default:
			p.err = unanswered
		}
	}
	if answered && unanswered == nil {
		s.gate.succeeded()
	}
}
