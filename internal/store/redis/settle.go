package redis

import (
	"slices"

	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
)

// charge is what has the number of one charge that was asked for: the charge, or the
// record that it made and that others were added to.
type charge struct {
	number uint64
	amount limit.Amount
}

// entry is one part of a settlement batch: a grant to be replaced by what was used; or
// (cancel) one charge to be undone, followed by the record that it may have been added
// to; or (restore) the records of a grant to be written again.
type entry struct {
	cancel  bool
	restore bool
	work    int    // charges that the records have, as far as is known; see weight
	user    string // key of the user's account
	program *program
	used    limit.Amount
	charges []charge
}

// Settle implements limit.Store. The settlement leaves with the next decision on
// the model, or within a few milliseconds, off the caller's path.
func (s *Store) Settle(g *limit.Grant, used limit.Amount) {
	if !g.Close() {
		return
	}
	h := g.Account.(*holding)
	defer h.model.leave()
	if h.forgone {
		return
	}
	h.model.grants.remove(h, func() {
		h.model.outbox.add(entry{
			user: h.user, program: h.program, used: used, charges: h.charges, work: len(g.Charges),
		})
	})
}

// weight returns how many charges the script walks for e, at the most.
func (e *entry) weight() int { return max(e.work, len(e.charges)) }

// batch is a numbered part of an outbox. However often it is sent, it says the
// same.
type batch struct {
	number  uint64
	keys    []string
	args    []string // the first three, nonce, self and order, are set anew when it is sent
	size    int      // entries
	charges int      // that the script walks for them, as weight says

	// Guarded by the outbox.
	sent int  // how often
	back bool // it has come back and was not applied, or may not have been
	// after is the number of the batch before it that was not acknowledged when it was sent
	// last; 0: none.
	after uint64
}

// request returns what is sent of b now. A request that was sent before is left as
// it is: its answer may still come.
func (b *batch) request(m *model) request {
	s, args := m.outbox.store, b.args
	if b.sent > 1 {
		args = slices.Clone(args)
	}
	args[0], args[1], args[2] = number(s.pending.skip()), m.self(s), b.order()
	whole := m.outbox.forgotten.Load()
	return request{script: s.scripts.settle, keys: b.keys, args: args, whole: whole}
}

// order is the number of b, and that of the batch that it follows.
func (b *batch) order() string { return number(b.number) + " " + number(b.after) }

// newBatch makes the batch with the given number. floor is the lowest number
// of a charge that may still arrive.
func newBatch(m *model, self string, n, floor uint64, entries []entry) *batch {
	b := &batch{number: n, keys: make([]string, 2, 3+len(entries)), size: len(entries)}
	b.keys[0], b.keys[1] = m.replicas, m.account
	rings := make([]string, 2, 2+len(entries))
	for i := range entries {
		e := &entries[i]
		rings[1] = unite(rings[1], e.program.modelRings)
		if b.index(e.user) == 0 {
			b.keys = append(b.keys, e.user)
			rings = append(rings, "")
		}
		at := &rings[b.index(e.user)-1]
		*at = unite(*at, e.program.userRings)
	}
	b.args = make([]string, 0, 4+len(b.keys)+10*len(entries)) // of one charge each
	b.args = append(b.args, "", self, b.order(), number(floor))
	b.args = append(b.args, rings[1:]...)
	for i := range entries {
		b.args = entries[i].append(b.args, b.index(entries[i].user))
	}
	b.keys = append(b.keys, m.listed)
	return b
}

// index returns where the account of a user is among the keys, from 1; 0: it is not.
// Batches are small.
func (b *batch) index(user string) int {
	if i := slices.Index(b.keys[2:], user); i >= 0 {
		return i + 3
	}
	return 0
}

// append appends the arguments that e is. user is the index of its user's
// account among the keys, from 1.
func (e *entry) append(args []string, user int) []string {
	kind := "s"
	switch {
	case e.cancel:
		kind = "c"
	case e.restore:
		kind = "r"
	}
	args = append(args, kind, number(user))
	args = appendAmount(args, e.used)
	args = append(args, number(len(e.charges)))
	for _, c := range e.charges {
		args = appendAmount(append(args, number(c.number)), c.amount)
	}
	return args
}
