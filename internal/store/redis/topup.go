package redis

import (
	"context"
	"slices"

	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
)

// denialOfModel is where the result of the script that denies says whether a rule of the
// model is in the way.
const denialOfModel = 2

// TopUp implements limit.Store, in one script.
func (s *Store) TopUp(ctx context.Context, g *limit.Grant, more limit.Amount, b limit.Bound,
) (limit.TopUp, error) {
	if g.IsOpen() && !g.Policy.Limits() {
		return limit.TopUp{Granted: true}, nil
	}
	if err := s.ready(); err != nil {
		return limit.TopUp{}, err
	}
	if !g.IsOpen() {
		return limit.TopUp{}, nil
	}
	h := g.Account.(*holding)
	n, into, asked := s.pending.begin(), h.part(), s.leaseTime()
	args := h.program.topUp(n, h.model.self(s), more, into, b)
	reply, err := s.decide(ctx, h.model, &request{
		script: s.scripts.topUp, keys: h.model.keys(h.user), args: args, program: h.program,
	})
	if err != nil {
		h.doubtful = h.doubtful || isUnsure(err)
		lost := []charge{{n, more}}
		if into != 0 { // it may have been added to that
			lost = append(lost, charge{number: into})
		}
		s.giveUp(h.model, entry{user: h.user, program: h.program, charges: lost}, err)
		return limit.TopUp{}, err
	}
	s.pending.end(n)
	if reply[0] == verdictDenied {
		return limit.TopUp{}, nil
	}
	h.model.renewed(asked)
	h.model.sees(s, reply)
	h.model.grants.note(h, charge{uint64(reply[4]), more}) // #nosec G115 -- the script's number
	h.doubtful = false
	g.Note(limit.Charge{Amount: more, At: times(reply[2], reply[3]), Debt: reply[1]})
	return limit.TopUp{Granted: true, Debt: reply[1]}, nil
}

// part returns the number of the record that the next charge may be added to; 0 for
// none. A record to which one was added whose answer was lost is left as it is until
// that one is cancelled: it knows the last only.
func (h *holding) part() uint64 {
	if h.doubtful {
		return 0
	}
	h.model.grants.mu.Lock()
	defer h.model.grants.mu.Unlock()
	return h.charges[len(h.charges)-1].number
}

// topUp returns the arguments of the script. into is the number of the record that the
// charge may be added to; 0 for none.
func (g *program) topUp(n uint64, self string, more limit.Amount, into uint64, b limit.Bound,
) []string {
	head := appendAmount(append(make([]string, 0, 5), number(n), self), more)
	return slices.Concat(head, []string{g.userRings, g.modelRings, number(into)}, g.bounds[b])
}
