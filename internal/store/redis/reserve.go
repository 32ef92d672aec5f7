package redis

import (
	"context"
	"slices"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
)

// holding is what the store keeps of a grant, as its Account.
type holding struct {
	model     *model
	program   *program
	user      string    // key of the user's account
	first     [1]charge // where the records of most grants lie
	doubtful  bool      // the last record may have a charge whose answer was lost
	charges   []charge  // the grant's records, in their order; guarded by model.grants
	enrolment int64     // of the replica, when the first record was made; guarded by model.grants
	begun     limit.Instant
	forgone   bool // nothing of it is counted; see enter
}

// Verdicts of the scripts that charge.
const (
	verdictRefused = -1 // the charge had been given up before it came
	verdictDenied  = 0
)

// Reserve implements limit.Store, in one script and one round trip. It takes another one
// for a denial that may be due to requests that have ended, and where the server did not
// know the script or the connection was lost. Where p limits nothing it takes none.
func (s *Store) Reserve(ctx context.Context, p *limit.Policy, user string, need limit.Amount,
	g *limit.Grant, d *limit.Decision,
) error {
	if !p.Limits() {
		return s.enter(p, user, g, d)
	}
	if err := s.ready(); err != nil {
		return err
	}
	m := s.use(p.Model())
	defer func() {
		if !g.IsOpen() {
			m.leave() // Settle does, of a grant
		}
	}()
	program, key := m.program(p), m.user(user)
	n, asked := s.pending.begin(), s.leaseTime()
	args := program.reserve(n, m.self(s), need)
	reply, err := s.decide(ctx, m, &request{
		script: s.scripts.reserve, keys: m.keys(key), args: args, program: program,
	})
	if err != nil {
		s.giveUp(m, entry{user: key, program: program, charges: []charge{{n, need}}}, err)
		return err
	}
	s.pending.end(n)
	readDecision(d, p, reply)
	m.outbox.noteRoom(p, d, reply[decisionRunning])
	if d.Admitted {
		m.renewed(asked)
		m.sees(s, reply)
		h := &holding{
			model: m, program: program, user: key, enrolment: reply[len(reply)-2],
			begun: limit.Instant(reply[decisionNow]),
		}
		h.charges = append(h.first[:0], charge{n, need})
		m.grants.add(h)
		g.Open(p, user)
		g.Account = h
		g.Note(limit.Charge{Amount: need, At: times(reply[2], reply[3])})
	}
	return nil
}

// giveUp cancels a charge whose call ended with err, if it may have been made.
func (s *Store) giveUp(m *model, e entry, err error) {
	if isUnsure(err) {
		e.cancel = true
		m.outbox.add(e)
		return
	}
	s.pending.end(e.charges[0].number)
}

// times returns the account times of a charge.
func times(user, model int64) (at [2]limit.Instant) {
	at[limit.UserScope], at[limit.ModelScope] = limit.Instant(user), limit.Instant(model)
	return at
}

// reserve returns the arguments of the script.
func (g *program) reserve(n uint64, self string, need limit.Amount) []string {
	head := appendAmount(append(make([]string, 0, 5), number(n), self), need)
	return slices.Concat(head, g.gauges[:], []string{g.userRings, g.modelRings}, g.admissible)
}

// What the result of the reserve script begins with.
const (
	decisionNow     = 1
	decisionRunning = 4 // of the model; behind it, of the user
	decisionRules   = 6 // from here on, three for each of what is counted
)

// decisionRule returns where the result has the rule of p with index i.
func decisionRule(p *limit.Policy, i int) int {
	counting := len(p.Counted()) - len(p.Rules()) // only count, and come before
	return decisionRules + 3*(counting+i)
}

// readDecision writes the script's result to d, whose slices it reuses.
func readDecision(d *limit.Decision, p *limit.Policy, reply []int64) {
	d.Reset(limit.Instant(reply[decisionNow]))
	if d.Admitted = reply[0] != verdictDenied; !d.Admitted {
		for _, g := range gauges(p, reply[decisionRunning:]) {
			if g.Max != limit.Unlimited && g.Running >= g.Max {
				d.Full = append(d.Full, g)
			}
		}
	}
	for i, r := range p.Rules() {
		rule := reply[decisionRule(p, i):]
		sum, reset, wait := rule[0], milliseconds(rule[1]), rule[2]
		d.Standings = append(d.Standings, limit.Standing{Used: sum, Reset: reset})
		if wait != fits {
			v := limit.Violation{Rule: r, Used: sum, Wait: milliseconds(wait)}
			d.Violations = append(d.Violations, v)
		}
	}
	d.Sort()
}

// fits is the wait of a rule that is not violated.
const fits = -1

// gauges returns the gauges of p, of which running are told: of the model, and of the user.
func gauges(p *limit.Policy, running []int64) []limit.Gauge {
	return []limit.Gauge{
		{Scope: limit.ModelScope, Running: running[0], Max: p.MaxConcurrent()},
		{Scope: limit.UserScope, Running: running[1], Max: p.MaxConcurrentPerUser()},
	}
}

func milliseconds(n int64) time.Duration { return time.Duration(n) * time.Millisecond }
