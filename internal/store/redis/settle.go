package redis

import "github.com/token-rate-limiter/token-rate-limiter/internal/limit"

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
	user    string // key of the user's account; "" for none
	program *program
	used    limit.Amount
	charges []charge
}

// Settle implements limit.Store. The settlement leaves within a few
// milliseconds, off the caller's path.
func (s *Store) Settle(g *limit.Grant, used limit.Amount) {
	if !g.Close() {
		return
	}
	h := g.Account.(*held)
	h.model.grants.remove(h, func() {
		h.model.stream.add(entry{user: h.user, program: h.program, used: used, charges: h.charges, work: len(g.Charges)})
	})
	h.model.leave()
}

// weight returns how many charges the script walks for e, at the most.
func (e *entry) weight() int { return max(e.work, len(e.charges)) }

// batch is a numbered part of a stream. However often it is sent, it says the
// same.
type batch struct {
	keys []string
	args []string // the first is for the nonce
	size int      // entries
	n    uint64
}

// newBatch makes the batch with the given number. floor is the lowest number
// of a charge that may still arrive.
func newBatch(m *model, replica string, n, floor uint64, entries []entry) *batch {
	b := &batch{keys: []string{m.replicas, m.account}, size: len(entries), n: n}
	rings := []string{"", ""}
	index := map[string]int{}
	for i := range entries {
		e := &entries[i]
		rings[1] = unite(rings[1], e.program.modelRings)
		if e.user == "" {
			continue
		}
		if index[e.user] == 0 {
			b.keys = append(b.keys, e.user)
			rings = append(rings, "")
			index[e.user] = len(b.keys)
		}
		at := &rings[index[e.user]-1]
		*at = unite(*at, e.program.userRings)
	}
	b.args = make([]string, 0, b.argsMost(entries))
	b.args = append(b.args, "", replica, number(n), number(floor))
	b.args = append(b.args, rings[1:]...)
	for i := range entries {
		b.args = entries[i].append(b.args, index[entries[i].user])
	}
	return b
}

// argsMost returns how many arguments entries come to, and the clock's.
func (b *batch) argsMost(entries []entry) int {
	n := 4 + len(b.keys)
	for i := range entries {
		n += 6 + 4*len(entries[i].charges)
	}
	return n
}

// append appends the arguments that e is. user is the index of its user's
// account among the keys, from 1; 0 for none.
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
