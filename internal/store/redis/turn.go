package redis

import (
	"context"
	"sync/atomic"

	"github.com/redis/rueidis"
)

// turn is the context of a call, and notices when the call has its place on the
// connection. The client has one queue for its connection, puts a call into it, and
// then asks the context for its Done, to wait for the answer: whoever begins a call
// after that is behind it. Where Done is asked for earlier (the client has to
// connect first), or never, order is lost and nothing else: a batch that has
// overtaken another is not applied (see settle.lua).
type turn struct {
	context.Context
	over  func()
	ended atomic.Bool
}

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

// command returns r as it is sent.
func (r *request) command(c *client, how wording) rueidis.Completed {
	if how == whole {
		return c.B().Eval().Script(r.script.source).Numkeys(int64(len(r.keys))).Key(r.keys...).Arg(r.args...).Build()
	}
	return c.B().Evalsha().Sha1(r.script.hash).Numkeys(int64(len(r.keys))).Key(r.keys...).Arg(r.args...).Build()
}

// together sends requests in their order, with no other call between them.
func (c *client) together(ctx context.Context, how wording, requests []request) []rueidis.RedisResult {
	if len(requests) == 1 {
		return []rueidis.RedisResult{c.Do(ctx, requests[0].command(c, how))}
	}
	commands := make([]rueidis.Completed, len(requests))
	for i := range requests {
		commands[i] = requests[i].command(c, how)
	}
	return c.DoMulti(ctx, commands...)
}
