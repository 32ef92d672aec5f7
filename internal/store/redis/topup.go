package redis

import (
	"context"
	"errors"

	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
)

// errGivenUp is the cause of a charge that the server refused because this
// replica had given it up.
var errGivenUp = errors.New("the charge had been given up")

// TopUp implements limit.Store, in one script.
func (s *Store) TopUp(ctx context.Context, g *limit.Grant, more limit.Amount, b limit.Bound) (limit.TopUp, error) {
	if err := s.ready(); err != nil {
		return limit.TopUp{}, err
	}
	if !g.IsOpen() {
		return limit.TopUp{}, nil
	}
	h := g.Account.(*held)
	n, asked := s.pending.begin(), s.leaseTime()
	reply, err := s.decide(ctx, h.model, &request{script: s.scripts.topUp, keys: h.model.keys(h.user), args: h.program.topUp(n, s.options.Replica, more, b)})
	if err == nil && reply[0] == verdictRefused {
		err = s.failed(operationTopUp, errGivenUp)
	}
	if err != nil {
		s.giveUp(h.model, entry{user: h.user, program: h.program, charges: []charge{{n, more}}}, err)
		return limit.TopUp{}, err
	}
	s.pending.end(n)
	if reply[0] == verdictDenied {
		return limit.TopUp{}, nil
	}
	h.model.renewed(asked)
	h.charges = append(h.charges, charge{n, more})
	g.Charges = append(g.Charges, limit.Charge{Amount: more, At: times(reply[2], reply[3]), Debt: reply[1]})
	return limit.TopUp{Granted: true, Debt: reply[1]}, nil
}

// topUp returns the arguments of the script.
func (g *program) topUp(n uint64, replica string, more limit.Amount, b limit.Bound) []string {
	args := make([]string, 0, 8+len(g.bounds[b]))
	args = append(args, number(n), replica)
	args = appendAmount(args, more)
	args = append(args, g.userRings, g.modelRings)
	return append(args, g.bounds[b]...)
}
