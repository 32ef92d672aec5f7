package redis

import (
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
	"github.com/token-rate-limiter/token-rate-limiter/internal/limit/limittest"
)

// sent sends a batch of entries as the outbox of model m would, and returns
// the result: applied, lost, missing, marked.
func sent(t *testing.T, s *Store, m *model, n, floor uint64, entries ...entry) []int64 {
	t.Helper()
	b := newBatch(m, m.self(s), n, floor, entries)
	b.args[0] = "7"
	reply, err := s.call(t.Context(), s.scripts.settle, patient, b.keys, b.args)
	if err != nil {
		t.Fatal(err)
	}
	return reply[:4]
}

// settlement is the entry that settles g.
func settlement(g *limit.Grant, used limit.Amount) entry {
	h := g.Account.(*holding)
	return entry{user: h.user, program: h.program, used: used, charges: h.charges}
}

// cancellation is the entry that undoes the charge with number n.
func cancellation(m *model, p *limit.Policy, user string, n uint64, a limit.Amount) entry {
	g := m.program(p)
	return entry{cancel: true, user: m.user(user), program: g, charges: []charge{{n, a}}}
}

// TestRepeatedBatch sends batches again: at once, and after the next one.
func TestRepeatedBatch(t *testing.T) {
	s := open(t, Options{Now: limittest.NewClock().Now, Timeout: patient})
	p := minute(t, 1000)
	a, b := mustReserve(t, s, p, "u", output(300)), mustReserve(t, s, p, "u", output(200))
	m := s.model(p.Model())
	first, second := settlement(a, output(400)), settlement(b, output(50))

	for i, step := range []struct {
		n       uint64
		e       entry
		applied int64
		want    standing
	}{
		{1, first, 1, standing{400, 200, 1}},
		{1, first, 0, standing{400, 200, 1}},
		{2, second, 1, standing{450, 0, 0}},
		{1, first, 0, standing{450, 0, 0}},
		{2, second, 0, standing{450, 0, 0}},
	} {
		if reply := sent(t, s, m, step.n, 1, step.e); reply[0] != step.applied || reply[1] != 0 || reply[2] != 0 {
			t.Errorf("step %d: the result is %v, want applied %d and nothing missing", i, reply, step.applied)
		}
		mustStand(t, s, p, "u", step.want)
		s.renew() // which knows of no batch
	}
}

// TestSettledAgainInAnotherBatch settles what has been settled: without its
// record there is nothing to give back.
func TestSettledAgainInAnotherBatch(t *testing.T) {
	s := open(t, Options{Now: limittest.NewClock().Now, Timeout: patient})
	p := minute(t, 1000)
	e := settlement(mustReserve(t, s, p, "u", output(300)), output(100))
	m := s.model(p.Model())
	sent(t, s, m, 1, 1, e)
	if reply := sent(t, s, m, 2, 1, e); !slices.Equal(reply, []int64{1, 1, 0, 0}) {
		t.Errorf("the result is %v, want one charge lost", reply)
	}
	mustStand(t, s, p, "u", standing{100, 0, 0})
}

// TestCancelledAfterItCame undoes a charge that was made, with its slots and
// its running slot.
func TestCancelledAfterItCame(t *testing.T) {
	clock := limittest.NewClock()
	s := open(t, Options{Now: clock.Now, Timeout: patient, replica: "me"})
	p := minute(t, 1000)
	keep := mustReserve(t, s, p, "u", output(100))
	g := mustReserve(t, s, p, "u", output(300))
	clock.Set(5e9)
	number := func(g *limit.Grant) uint64 { return g.Account.(*holding).charges[0].number }
	sent(t, s, s.model(p.Model()), 1, number(keep), cancellation(s.model(p.Model()), p, "u", number(g), output(300)))
	mustStand(t, s, p, "u", standing{0, 100, 1})
	if left := records(t, shared, "me"); len(left) != 1 {
		t.Errorf("the records are %q, want that of the other charge", left)
	}
}

// TestCancelledBeforeItCame refuses charges that come after they were given
// up, whether a mark tells so or the floor, and keeps no mark for longer than
// it is needed.
func TestCancelledBeforeItCame(t *testing.T) {
	s := open(t, Options{Now: limittest.NewClock().Now, Timeout: patient, replica: "me"})
	p := minute(t, 1000)
	m := s.model(p.Model())
	program := m.program(p)
	for range 9 {
		s.pending.end(s.pending.begin()) // charges 1 to 9 are made by hand
	}
	late := func(n uint64) int64 {
		t.Helper()
		reply, err := s.call(t.Context(), s.scripts.reserve, patient, m.keys(m.user("u")), program.reserve(n, m.self(s), output(10)))
		if err != nil {
			t.Fatal(err)
		}
		return reply[0]
	}
	if reply := sent(t, s, m, 1, 4, cancellation(m, p, "u", 4, output(10)), cancellation(m, p, "u", 6, output(10))); reply[3] != 2 {
		t.Errorf("the result is %v, want 2 marks", reply)
	}
	for n, want := range map[uint64]int64{2: -1, 3: -1, 4: -1, 5: 1, 6: -1} {
		if got := late(n); got != want {
			t.Errorf("charge %d: the verdict is %d, want %d", n, got, want)
		}
	}
	reply, err := s.call(t.Context(), s.scripts.topUp, patient, m.keys(m.user("u")), program.topUp(6, m.self(s), output(10), 0, limit.WithinDebt))
	if err != nil || reply[0] != verdictRefused {
		t.Errorf("a late top-up: %v, %v, want refused", reply, err)
	}
	mustStand(t, s, p, "u", standing{0, 10, 1})

	sent(t, s, m, 2, 6)
	if state := replicaState(t, "me"); !strings.Contains(state, " 2 6 @") || !strings.HasSuffix(state, " 6 ") {
		t.Errorf("the state is %q, want batch 2, floor 6 and the mark of 6 alone", state)
	}
	sent(t, s, m, 3, 7)
	if state := replicaState(t, "me"); !strings.Contains(state, " 3 7 @") || strings.HasSuffix(state, " ") {
		t.Errorf("the state is %q, want batch 3, floor 7 and no mark", state)
	}
}

// replicaState returns what is kept of a replica of the default model.
func replicaState(t *testing.T, id string) string {
	t.Helper()
	h, err := shared.Hash("token:concurrent:{llama2-7b}")
	if err != nil {
		t.Fatal(err)
	}
	return h["r:"+id]
}

// TestSettledAfterDataLoss settles what the server has forgotten: nothing
// becomes negative, what was used beyond the grant is charged, and it is told.
func TestSettledAfterDataLoss(t *testing.T) {
	s := open(t, Options{Now: limittest.NewClock().Now, Timeout: patient, heartbeat: -1})
	p := minute(t, 1000)
	a, b := mustReserve(t, s, p, "u", output(300)), mustReserve(t, s, p, "u", output(300))
	if _, err := s.TopUp(t.Context(), b, limit.Amount{Output: 50}, limit.WithinDebt); err != nil {
		t.Fatal(err)
	}
	if err := shared.FlushAll(); err != nil {
		t.Fatal(err)
	}
	c := mustReserve(t, s, p, "u", output(30))
	s.Settle(a, output(100))
	s.Settle(b, output(370))
	mustFlush(t, s)
	mustStand(t, s, p, "u", standing{20, 30, 1})
	s.Settle(c, output(10))
	mustFlush(t, s)
	mustStand(t, s, p, "u", standing{30, 0, 0})
	if got := s.Stats(); got.Lost != 2 || got.Missing != 0 {
		t.Errorf("lost %d and missing %d, want the records of 2 requests and 0", got.Lost, got.Missing)
	}
}

// TestLeavesNothing checks that settled requests leave no record, and empty
// rings no field.
func TestLeavesNothing(t *testing.T) {
	s := open(t, Options{Now: limittest.NewClock().Now, Timeout: patient, replica: "me"})
	p := minute(t, 1000)
	for range 5 {
		g := mustReserve(t, s, p, "u", output(10))
		if _, err := s.TopUp(t.Context(), g, limit.Amount{Output: 5}, limit.WithinDebt); err != nil {
			t.Fatal(err)
		}
		s.Settle(g, limit.Amount{})
	}
	mustFlush(t, s)
	for key, want := range map[string][]string{
		"token:concurrent:{llama2-7b}": {"about", "clock", "r:me", "replicas"},
		"token:usage:{llama2-7b}:u":    {"l", "t"},
	} {
		h, err := shared.Hash(key)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, slices.Sorted(maps.Keys(h))); diff != "" {
			t.Errorf("the fields of %s (-want +got):\n%s", key, diff)
		}
	}
}

// TestGreatBatches settles more at once than one batch, or one command, may
// carry.
func TestGreatBatches(t *testing.T) {
	s := open(t, Options{Now: limittest.NewClock().Now, Timeout: patient})
	p := minute(t, 1<<40)
	long := mustReserve(t, s, p, "long", output(1))
	for range 5000 {
		if _, err := s.TopUp(t.Context(), long, limit.Amount{Output: 1}, limit.WithinDebt); err != nil {
			t.Fatal(err)
		}
	}
	var grants []*limit.Grant
	for i := range 300 {
		grants = append(grants, mustReserve(t, s, p, "u"+strconv.Itoa(i), output(10)))
	}
	s.Settle(long, output(4000))
	for _, g := range grants {
		s.Settle(g, output(4))
	}
	mustFlush(t, s)
	mustStand(t, s, p, "long", standing{4000, 0, 0})
	mustStand(t, s, p, "u299", standing{4, 0, 0})
}

// TestGivenUpIsNoAnswer: a charge that the server refuses, for it takes it to have been given
// up, is an error, and changes nothing.
func TestGivenUpIsNoAnswer(t *testing.T) {
	s := open(t, Options{Now: limittest.NewClock().Now, Timeout: patient, heartbeat: -1})
	p := minute(t, 1000)
	g := mustReserve(t, s, p, "u", output(100))
	sent(t, s, s.model(p.Model()), 1, 1000)
	if _, err := s.TopUp(t.Context(), g, limit.Amount{Output: 10}, limit.WithinDebt); !errors.Is(err, errGivenUp) || !errors.Is(err, limit.ErrUnavailable) {
		t.Errorf("TopUp: %v", err)
	}
	if other, _, err := tryReserve(t.Context(), s, p, "u"); !errors.Is(err, errGivenUp) || !errors.Is(err, limit.ErrUnavailable) || other.IsOpen() {
		t.Errorf("Reserve: %v", err)
	}
	mustStand(t, s, p, "u", standing{0, 100, 1})
	if n := s.pending.begin(); s.pending.lowest() != n {
		t.Errorf("%d is pending still", s.pending.lowest())
	}
}
