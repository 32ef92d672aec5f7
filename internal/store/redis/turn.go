package redis

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/redis/rueidis"
)

// turn is the context of a call, and notices when the call is in the queue of the
// connection. The client has one queue for its connection, puts a call into it, and
// then asks the context for its Done, to wait for the answer: whoever begins a call
// after that is behind it. Where Done is asked for earlier, or never, order is lost:
// a batch that has overtaken another is not applied (see settle.lua), and is sent
// again, but a decision may not see what was settled before.
//
// It also says whether a connection may be made for the call. What changes accounts
// goes over one on which the commands were tried.
type turn struct {
	context.Context
	over  func()
	first bool   // the call may be the first one on its connection
	made  uint64 // number of the connection that was made for it; 0: none was
	ended atomic.Bool
}

// newTurn returns the turn of a call that keeps no order with others, and that may be
// the first one on its connection.
func newTurn(ctx context.Context) *turn { return &turn{Context: ctx, first: true, over: func() {}} }

// Done implements context.Context.
func (t *turn) Done() <-chan struct{} {
	t.end()
	return t.Context.Done()
}

// end says that the call is queued, unless that has been said.
func (t *turn) end() {
	if !t.ended.Swap(true) {
		t.over()
	}
}

// errUntried is the cause of calls that were not sent because they would have been
// the first on their connection.
var errUntried = errors.New("the connection was lost, and a new one is made")

// command returns r as it is sent.
func (r *request) command(c *client) rueidis.Completed {
	n := int64(len(r.keys))
	if r.whole {
		eval := c.B().Eval().Script(r.script.source)
		return eval.Numkeys(n).Key(r.keys...).Arg(r.args...).Build()
	}
	eval := c.B().Evalsha().Sha1(r.script.hash)
	return eval.Numkeys(n).Key(r.keys...).Arg(r.args...).Build()
}

// together sends requests in their order, with no other call between them.
func (c *client) together(ctx context.Context, requests []request) []rueidis.RedisResult {
	if len(requests) == 1 {
		return []rueidis.RedisResult{c.Do(ctx, requests[0].command(c))}
	}
	commands := make([]rueidis.Completed, len(requests))
	for i := range requests {
		commands[i] = requests[i].command(c)
	}
	return c.DoMulti(ctx, commands...)
}
