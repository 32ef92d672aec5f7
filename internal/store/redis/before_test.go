package redis

import (
	"embed"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
	"github.com/token-rate-limiter/token-rate-limiter/internal/limit/limittest"
)

// before has the scripts of the release before, whose leases are of the server's time
// and whose records are of single charges.
//
//go:embed testdata/before/*.lua
var before embed.FS

// oldReplica is a gateway of the release before, which shares the Redis of a Store.
type oldReplica struct {
	t     *testing.T
	s     *Store // for its connection and clock
	p     *limit.Policy
	last  uint64 // number of a charge
	batch uint64
}

// oldGrant is one of its grants: its charges.
type oldGrant struct {
	user    string
	charges []charge
}

const oldID = "old"

// oldCaller is what its scripts get of it, from the prelude that they share with those
// of now: it has seen nothing.
const oldCaller = oldID + " 0 0"

// script returns one of its scripts.
func (*oldReplica) script(operation string) *script {
	parts := map[string][]string{
		"reserve":   {"account", "window", "charge", "replica", "grant"},
		"topup":     {"account", "charge", "replica", "grant"},
		"settle":    {"account", "charge", "replica", "bulk"},
		"view":      {"account", "window", "replica"},
		"heartbeat": {"account", "replica", "bulk"},
	}[operation]
	source := []string{prelude(argumentClock)}
	for _, part := range append(parts, operation) {
		text, err := before.ReadFile("testdata/before/" + part + ".lua")
		if err != nil {
			panic(err)
		}
		source = append(source, string(text))
	}
	return newScript(operation, strings.Join(source, "\n"))
}

func (o *oldReplica) call(operation string, keys, args []string) []int64 {
	o.t.Helper()
	reply, err := o.s.call(o.t.Context(), o.script(operation), patient, keys, args)
	if err != nil {
		o.t.Fatalf("the old %s: %v", operation, err)
	}
	return reply
}

func (o *oldReplica) model() (*model, *program) {
	m := o.s.model(o.p.Model())
	return m, m.program(o.p)
}

func (o *oldReplica) reserve(user string, need limit.Amount) (*oldGrant, bool) {
	o.t.Helper()
	m, g := o.model()
	o.last++
	reply := o.call("reserve", m.keys(m.user(user)), g.reserve(o.last, oldCaller, need))
	return &oldGrant{user, []charge{{o.last, need}}}, reply[0] == 1
}

func (o *oldReplica) topUp(og *oldGrant, more limit.Amount) {
	o.t.Helper()
	m, g := o.model()
	o.last++
	args := appendAmount([]string{number(o.last), oldCaller}, more)
	args = append(append(args, g.userRings, g.modelRings), g.bounds[limit.WithinDebt]...)
	if reply := o.call("topup", m.keys(m.user(og.user)), args); reply[0] == 1 {
		og.charges = append(og.charges, charge{o.last, more})
	}
}

func (o *oldReplica) settle(og *oldGrant, used limit.Amount) {
	o.t.Helper()
	m, g := o.model()
	o.batch++
	b := newBatch(m, oldCaller, o.batch, 1, []entry{{user: m.user(og.user), program: g, used: used, charges: og.charges}})
	b.args[0], b.args[2] = "1", number(o.batch) // which does not say what it follows
	b.keys = b.keys[:len(b.keys)-1]             // and knows of no list
	if reply := o.call("settle", b.keys, b.args); reply[0] != 1 || reply[1] != 0 || reply[2] != 0 {
		o.t.Fatalf("the old settlement: %v", reply)
	}
}

// running returns how many requests of the model and of user run, as it sees them.
func (o *oldReplica) running(user string) [2]int64 {
	m, g := o.model()
	reply := o.call("view", m.keys(m.user(user)), []string{"1", oldCaller, g.userRings, g.modelRings})
	return [2]int64{reply[1], reply[2]}
}

func (o *oldReplica) beat() {
	m, _ := o.model()
	o.call("heartbeat", []string{m.replicas}, []string{"1", oldCaller})
}

// TestBesideTheReleaseBefore runs a replica of the release before and one of this on one
// Redis, as a rolling change does: both see what both run and charge, and in the end the
// books are what was used.
func TestBesideTheReleaseBefore(t *testing.T) {
	for seed := range uint64(3) {
		r := rand.New(rand.NewPCG(seed, 21))
		clock := limittest.NewClock()
		s := open(t, Options{Now: clock.Now, Timeout: patient, heartbeat: -1})
		p := limittest.Policy(t, limit.PolicyOptions{
			User:          []limit.Limit{{Meter: limit.Tokens, Window: limit.Day, Max: 1 << 40}, {Meter: limit.Tokens, Window: limit.Hour, Max: 1 << 40}},
			Total:         []limit.Limit{{Meter: limit.Tokens, Window: limit.Day, Max: 1 << 40}},
			MaxConcurrent: 12, MaxConcurrentPerUser: 8,
		})
		old := &oldReplica{t: t, s: s, p: p}
		var olds []*oldGrant
		var news []*limit.Grant
		running, used := map[string]int64{}, map[string]int64{}
		for range 400 {
			user := string(rune('u' + r.IntN(2)))
			admissible := int64(len(olds)+len(news)) < 12 && running[user] < 8
			switch r.IntN(8) {
			case 0:
				clock.Advance(time.Duration(r.IntN(2500)) * time.Millisecond)
				old.beat()
				s.renew()
			case 1, 2:
				g, ok := old.reserve(user, output(20))
				if ok != admissible {
					t.Fatalf("the old replica admits: %v, want %v", ok, admissible)
				}
				if ok {
					olds = append(olds, g)
					running[user]++
				}
			case 3, 4:
				got := admitted(t, s, p, user, 1)
				if len(got) == 1 != admissible {
					t.Fatalf("the new replica admits: %v, want %v", len(got) == 1, admissible)
				}
				if len(got) == 1 {
					news = append(news, got[0])
					running[user]++
				}
			case 5:
				if len(olds) > 0 {
					old.topUp(olds[r.IntN(len(olds))], limit.Amount{Output: 5})
				}
				if len(news) > 0 {
					if _, err := s.TopUp(t.Context(), news[r.IntN(len(news))], limit.Amount{Output: 5}, limit.WithinDebt); err != nil {
						t.Fatal(err)
					}
				}
			case 6:
				if len(olds) > 0 {
					n := r.Int64N(40)
					old.settle(olds[0], output(n))
					running[olds[0].user]--
					used[olds[0].user] += n
					olds = olds[1:]
				}
			case 7:
				if len(news) > 0 {
					n := r.Int64N(40)
					s.Settle(news[0], output(n))
					mustFlush(t, s)
					running[news[0].User]--
					used[news[0].User] += n
					news = news[1:]
				}
			}
			total := int64(len(olds) + len(news))
			if got, want := old.running(user), [2]int64{total, running[user]}; got != want {
				t.Fatalf("the old replica sees %v running, want %v", got, want)
			}
			mustRunOf(t, s, p, total, user, running[user])
		}
		for _, g := range olds {
			old.settle(g, limit.Amount{})
		}
		for _, g := range news {
			s.Settle(g, limit.Amount{})
		}
		mustFlush(t, s)
		for user, n := range used {
			mustStand(t, s, p, user, standing{n, 0, 0})
		}
		if st := s.Stats(); st.Lost != 0 || st.Missing != 0 || st.Restored != 0 {
			t.Errorf("the stats are %+v, want nothing lost, missing or restored", st)
		}
	}
}

// TestEndsBesideTheReleaseBefore kills one of both: its slots are free for the other one
// after its lease. The old one forgets the new one an hour after that, which counts again
// when it returns.
func TestEndsBesideTheReleaseBefore(t *testing.T) {
	start := func(t *testing.T) (*Store, *oldReplica, *limittest.Clock, *limit.Policy) {
		clock := limittest.NewClock()
		s := open(t, Options{Now: clock.Now, Timeout: patient, heartbeat: -1, replica: "new"})
		return s, &oldReplica{t: t, s: s, p: ten(t)}, clock, ten(t)
	}
	t.Run("the old one", func(t *testing.T) {
		s, old, clock, p := start(t)
		for range 10 {
			old.reserve("u", output(1))
		}
		pass(clock, leaseTTL-time.Millisecond, s)
		if got := admitted(t, s, p, "u", 1); len(got) != 0 {
			t.Fatal("an eleventh runs")
		}
		pass(clock, time.Millisecond, s)
		if got := admitted(t, s, p, "u", 11); len(got) != 10 {
			t.Errorf("%d run, want 10", len(got))
		}
		pass(clock, forgetAfter+heartbeatEvery, s)
		if h, _ := shared.Hash("token:concurrent:{llama2-7b}"); strings.Contains(fmt.Sprint(h), oldID) {
			t.Errorf("the old replica is not forgotten: %v", h)
		}
	})
	t.Run("the new one", func(t *testing.T) {
		s, old, clock, p := start(t)
		running := admitted(t, s, p, "u", 10)
		for range 3 {
			clock.Advance(heartbeatEvery)
			old.beat()
		}
		if _, ok := old.reserve("u", output(1)); ok {
			t.Fatal("an eleventh runs")
		}
		clock.Advance(time.Second)
		if got := old.running("u"); got != [2]int64{0, 0} {
			t.Fatalf("the old replica sees %v running, want none", got)
		}
		for range 1300 {
			clock.Advance(heartbeatEvery)
			old.beat()
		}
		if h, _ := shared.Hash("token:concurrent:{llama2-7b}"); h["r:new"] != "" {
			t.Fatal("the new replica is not forgotten")
		}
		s.renew()
		mustFlush(t, s)
		if got := old.running("u"); got != [2]int64{10, 10} || s.Stats().Restored != 10 {
			t.Errorf("after its return the old replica sees %v running, and %d were restored; want 10", got, s.Stats().Restored)
		}
		for _, g := range running {
			s.Settle(g, output(1))
		}
		mustFlush(t, s)
		if got := old.running("u"); got != [2]int64{0, 0} {
			t.Errorf("in the end the old replica sees %v running", got)
		}
	})
}
