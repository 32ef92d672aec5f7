package redis

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
)

// errUnsettled is the cause of a denial that may be due to requests that have ended.
var errUnsettled = errors.New("what was settled before is not applied yet")

// holds reports whether the denial of r that values are holds. One that is due to the
// user's own limits does at once, if all that was settled of that user had been applied:
// what is settled of others changes nothing about it. Any other waits for them.
func (ob *outbox) holds(ctx context.Context, till time.Time, r *request, before point,
	values []int64,
) (bool, error) {
	if r.deniedByUser(values) && ob.behindOwn(r.keys[2], before) {
		return true, nil
	}
	return ob.await(ctx, till, before)
}

// deniedByUser reports whether the denial that values are is due to limits of the user
// alone: no rule and no gauge of the model is in the way.
func (r *request) deniedByUser(values []int64) bool {
	if r.script.operation == operationTopUp {
		return values[denialOfModel] == 0
	}
	p := r.program.policy
	if most := p.MaxConcurrent(); most != limit.Unlimited && values[decisionRunning] >= most {
		return false
	}
	for i, rule := range p.Rules() {
		if rule.Scope == limit.ModelScope && values[decisionRule(p, i)+2] != fits {
			return false
		}
	}
	return true
}

// behindOwn reports whether a decision came behind all that had been settled of a user:
// nothing of it was left, and what was ahead of the decision has been applied.
func (ob *outbox) behindOwn(user string, before point) bool {
	ob.mu.Lock()
	defer ob.mu.Unlock()
	settles := func(b *batch) bool { return b.index(user) != 0 }
	return !before.own && ob.setbacks == before.setbacks && !slices.ContainsFunc(ob.queue, settles)
}

// await waits until all that was added before a decision has been applied, and
// reports whether it was when the decision was made: it was ahead of the decision on
// the connection, and nothing has come back. Where the server refuses a settlement,
// nobody can tell how long that lasts: decisions are made without it.
func (ob *outbox) await(ctx context.Context, till time.Time, before point) (holds bool, err error) {
	for {
		ob.mu.Lock()
		applied := ob.applied >= before.added
		orderly := !before.behind && ob.setbacks == before.setbacks
		if applied || ob.refusal.Load() != nil {
			ob.mu.Unlock()
			return orderly || !applied, nil
		}
		moved := ob.change()
		ob.mu.Unlock()
		if !orderly {
			signal(ob.hurry)
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return holds, ctx.Err()
		case <-time.After(time.Until(till)):
			return holds, errUnsettled
		}
	}
}
