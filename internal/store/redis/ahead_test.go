package redis

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
	"github.com/token-rate-limiter/token-rate-limiter/internal/limit/limittest"
	"github.com/token-rate-limiter/token-rate-limiter/internal/redistest"
	"github.com/token-rate-limiter/token-rate-limiter/internal/store/memory"
)

// sequence is what a client sends who waits for every answer.
type sequence struct {
	policy limit.PolicyOptions
	price  limit.Amount
	used   limit.Amount
	served int // requests that are admitted before the first denial; of 60 at most
}

// sequences are limits that a client's own requests would exceed if one that has
// ended still counted.
var sequences = map[string]sequence{
	"one request at a time": {
		limit.PolicyOptions{MaxConcurrent: 1}, output(20), output(13), 60},
	"one request of a user at a time": {
		limit.PolicyOptions{MaxConcurrent: 100, MaxConcurrentPerUser: 1}, output(20), output(13), 60},
	"400 tokens an hour": {
		limit.PolicyOptions{MaxConcurrent: 100, User: []limit.Limit{{Meter: limit.Tokens, Window: limit.Hour, Max: 400}}}, output(200), output(13), 16},
	"400 tokens an hour of all users": {
		limit.PolicyOptions{MaxConcurrent: 100, Total: []limit.Limit{{Meter: limit.Tokens, Window: limit.Hour, Max: 400}}}, output(390), output(1), 11},
}

// run sends the sequence to a store and returns how many requests were admitted
// before the first denial. between is called between two requests.
func (q sequence) run(t *testing.T, s limit.Store, between func()) int {
	t.Helper()
	p := limittest.Policy(t, q.policy)
	for n := range 60 {
		var g limit.Grant
		var d limit.Decision
		if err := s.Reserve(t.Context(), p, "u", q.price, &g, &d); err != nil {
			t.Fatalf("request %d: %v", n, err)
		}
		if !d.Admitted {
			return n
		}
		if _, err := s.TopUp(t.Context(), &g, limit.Amount{Output: 1}, limit.WithinDebt); err != nil {
			t.Fatalf("request %d: %v", n, err)
		}
		s.Settle(&g, q.used)
		between()
	}
	return 60
}

// TestSequentialClient: a client who waits for every answer is never denied by a
// request of his own that has ended, on either store, near or far, also where the
// server forgets its scripts.
func TestSequentialClient(t *testing.T) {
	nothing := func() {}
	far := redistest.Start(t)
	link := far.NewLink(t, 3*time.Millisecond)
	for name, open := range map[string]func() (limit.Store, func()){
		"memory": func() (limit.Store, func()) { return memory.New(memory.Options{}), nothing },
		"redis":  func() (limit.Store, func()) { return open(t, Options{Timeout: patient}), nothing },
		"redis, with pauses": func() (limit.Store, func()) {
			return open(t, Options{Timeout: patient}), func() { time.Sleep(lingerFor) }
		},
		"redis, which forgets its scripts": func() (limit.Store, func()) {
			return open(t, Options{Timeout: patient}), func() { command(t, shared, "SCRIPT", "FLUSH") }
		},
		"redis, far away": func() (limit.Store, func()) {
			command(t, far, "FLUSHALL")
			s, err := New(t.Context(), Options{Address: link.Addr, Timeout: patient})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = s.Close(t.Context()) })
			return s, nothing
		},
	} {
		t.Run(name, func(t *testing.T) {
			for name, q := range sequences {
				s, between := open()
				if got := q.run(t, s, between); got != q.served {
					t.Errorf("%s: %d requests were admitted before a denial, want %d", name, got, q.served)
				}
			}
		})
	}
}

// TestOneRoundTrip: what was settled goes with the next decision, in one round trip.
func TestOneRoundTrip(t *testing.T) {
	server := redistest.Start(t)
	link := server.NewLink(t, 4*time.Millisecond)
	s, err := New(t.Context(), Options{Address: link.Addr, Timeout: patient, heartbeat: -1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close(t.Context()) })
	p := limittest.Policy(t, limit.PolicyOptions{MaxConcurrent: 1})
	s.Settle(mustReserve(t, s, p, "u", output(1)), output(1)) // connects, and brings the scripts
	mustFlush(t, s)
	before := link.Turns()
	const requests = 50
	for range requests {
		s.Settle(mustReserve(t, s, p, "u", output(1)), output(1))
	}
	mustFlush(t, s)
	// The last settlement goes alone, and so do those of a goroutine that was
	// stopped for longer than a settlement lingers.
	if turns := link.Turns() - before; turns > requests+requests/5 {
		t.Errorf("%d requests took %d round trips", requests, turns)
	}
	if st := s.Stats(); st.Repeated > 1 {
		t.Errorf("%d batches were sent again", st.Repeated)
	}
}

// TestDenialIsAskedOnce: who is over his own limits is denied in one round trip while
// another user's settlement waits; it is asked again where that one might make room.
func TestDenialIsAskedOnce(t *testing.T) {
	const denials = 20
	hour := func(max int64) []limit.Limit {
		return []limit.Limit{{Meter: limit.Tokens, Window: limit.Hour, Max: max}}
	}
	reserve := func(s *Store, p *limit.Policy, _ *limit.Grant) (bool, error) {
		var g limit.Grant
		var d limit.Decision
		err := s.Reserve(t.Context(), p, "full", output(10), &g, &d)
		return d.Admitted, err
	}
	topUp := func(s *Store, _ *limit.Policy, g *limit.Grant) (bool, error) {
		got, err := s.TopUp(t.Context(), g, limit.Amount{Output: 10}, limit.WithinDebt)
		return got.Granted, err
	}
	const most = 1 << 40
	for name, tt := range map[string]struct {
		policy limit.PolicyOptions
		ask    func(*Store, *limit.Policy, *limit.Grant) (bool, error)
		again  bool
	}{
		"tokens":          {limit.PolicyOptions{MaxConcurrent: 1000, User: hour(100)}, reserve, false},
		"requests":        {limit.PolicyOptions{MaxConcurrent: 1000, MaxConcurrentPerUser: 1, Total: hour(most)}, reserve, false},
		"top-up":          {limit.PolicyOptions{MaxConcurrent: 1000, User: hour(100), Total: hour(most)}, topUp, false},
		"tokens of all":   {limit.PolicyOptions{MaxConcurrent: 1000, User: hour(100), Total: hour(105)}, reserve, true},
		"top-up of all":   {limit.PolicyOptions{MaxConcurrent: 1000, User: hour(100), Total: hour(105)}, topUp, true},
		"requests of all": {limit.PolicyOptions{MaxConcurrent: 2, MaxConcurrentPerUser: 1}, reserve, true},
	} {
		t.Run(name, func(t *testing.T) {
			asked, total := 0, 0
			s := open(t, Options{Timeout: patient, heartbeat: -1, Observe: func(operation string, _ time.Duration, _ error) {
				if operation == operationReserve || operation == operationTopUp {
					asked++
				}
			}})
			p := limittest.Policy(t, tt.policy)
			s.Settle(mustReserve(t, s, p, "other", output(1)), limit.Amount{}) // brings the scripts
			mustFlush(t, s)
			g := mustReserve(t, s, p, "full", output(100))
			for i := range denials {
				other := mustReserve(t, s, p, "other", output(1))
				s.model(p.Model()).outbox.roomy.Store(true) // so that no decision is thought to need what waits
				before := asked
				s.Settle(other, limit.Amount{})
				if admitted, err := tt.ask(s, p, g); admitted || err != nil {
					t.Fatalf("%d: admitted %v, %v", i, admitted, err)
				}
				total += asked - before
			}
			// A settlement may have left alone before the denial: then that is asked once.
			if again := total > denials; again != tt.again {
				t.Errorf("%d denials were asked %d times", denials, total)
			}
		})
	}
}

// TestSequentialClientsTogether: many clients, each of whom waits for every answer
// and may run one request, while connections are cut and scripts forgotten. Some
// get no decision; none is denied.
func TestSequentialClientsTogether(t *testing.T) {
	server := redistest.Start(t)
	link := server.NewLink(t, time.Millisecond)
	s, err := New(t.Context(), Options{Address: link.Addr, Timeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close(t.Context()) })
	p := limittest.Policy(t, limit.PolicyOptions{
		MaxConcurrent: 1000, MaxConcurrentPerUser: 1, User: []limit.Limit{{Meter: limit.Tokens, Window: limit.Day, Max: 1 << 40}},
	})
	ctx, stop := context.WithCancel(t.Context())
	var served, unknown atomic.Int64
	var group sync.WaitGroup
	var used [16]int64
	for i := range used {
		user := fmt.Sprint("u", i)
		group.Go(func() {
			for ctx.Err() == nil {
				var g limit.Grant
				var d limit.Decision
				switch err := s.Reserve(t.Context(), p, user, output(10), &g, &d); {
				case errors.Is(err, limit.ErrUnavailable):
					unknown.Add(1)
					time.Sleep(time.Millisecond)
				case err != nil || !d.Admitted:
					t.Errorf("%s: %v, %+v", user, err, d)
					return
				default:
					served.Add(1)
					used[i] += 3
					s.Settle(&g, output(3))
				}
			}
		})
	}
	for i := range 10 {
		time.Sleep(40 * time.Millisecond)
		if i%2 == 0 {
			link.Cut()
		} else {
			command(t, server, "SCRIPT", "FLUSH")
		}
	}
	stop()
	group.Wait()
	mustFlush(t, s)
	for i, n := range used {
		mustStand(t, s, p, fmt.Sprint("u", i), standing{n, 0, 0})
	}
	st := s.Stats()
	t.Logf("%d served, %d unknown, %+v", served.Load(), unknown.Load(), st)
	if served.Load() < 16 || unknown.Load() == 0 || st.Cancelled == 0 || st.Repeated == 0 {
		t.Error("nothing went wrong, so nothing was tested")
	}
	if st.Lost != 0 || st.Missing != 0 {
		t.Errorf("lost %d, missing %d", st.Lost, st.Missing)
	}
}

// TestRoomThatGoesUnseen: a model that had room is filled by another replica. What this
// one has settled of another user makes room, though no decision was thought to need it.
func TestRoomThatGoesUnseen(t *testing.T) {
	a := open(t, Options{Timeout: patient})
	b := join(t, shared, Options{Timeout: patient})
	p := limittest.Policy(t, limit.PolicyOptions{MaxConcurrent: 10, Total: []limit.Limit{{Meter: limit.Requests, Window: limit.Day, Max: 1 << 40}}})
	for i := range 50 {
		grants := []*limit.Grant{mustReserve(t, a, p, "u", output(1)), mustReserve(t, a, p, "u", output(1))}
		for range 8 {
			grants = append(grants, mustReserve(t, b, p, "v", output(1)))
		}
		if !a.model(p.Model()).outbox.roomy.Load() {
			t.Fatal("the model has no room, so nothing is tested")
		}
		a.Settle(grants[0], output(1))
		grants[0] = mustReserve(t, a, p, fmt.Sprint("w", i), output(1))
		for i, g := range grants {
			[]*Store{a, b}[min(i/2, 1)].Settle(g, output(1))
		}
		mustFlush(t, a)
		mustFlush(t, b)
	}
}

// TestOrderOnTheConnection: batches of many callers go out in their order, though
// nobody waits for an answer.
func TestOrderOnTheConnection(t *testing.T) {
	s := open(t, Options{Timeout: patient})
	p := minute(t, 1<<40)
	s.Settle(mustReserve(t, s, p, "u", output(1)), output(1))
	mustFlush(t, s)
	before := s.Stats()
	var group sync.WaitGroup
	for i := range 32 {
		group.Go(func() {
			for range 100 {
				s.Settle(mustReserve(t, s, p, fmt.Sprint("u", i), output(1)), output(1))
			}
		})
	}
	group.Wait()
	mustFlush(t, s)
	st := s.Stats()
	if st.Repeated != before.Repeated {
		t.Errorf("%d batches of %d came back", st.Repeated-before.Repeated, st.Batches)
	}
	if st.Batches < 100 {
		t.Errorf("%d batches test nothing", st.Batches)
	}
}

// TestEarlyBatch does not apply a batch before the one that it follows, and applies
// both, once, in the end.
func TestEarlyBatch(t *testing.T) {
	s := open(t, Options{Now: limittest.NewClock().Now, Timeout: patient})
	p := minute(t, 1000)
	a, b := mustReserve(t, s, p, "u", output(300)), mustReserve(t, s, p, "u", output(200))
	m := s.model(p.Model())
	first, second := newBatch(m, m.self(s), 1, 1, []entry{settlement(a, output(100))}), newBatch(m, m.self(s), 5, 1, []entry{settlement(b, output(50))})
	second.after = 1
	for i, step := range []struct {
		b       *batch
		applied int64
		want    standing
	}{
		{second, -1, standing{0, 500, 2}},
		{first, 1, standing{100, 200, 1}},
		{second, 1, standing{150, 0, 0}},
		{first, 0, standing{150, 0, 0}},
		{second, 0, standing{150, 0, 0}},
	} {
		r := step.b.request(m)
		reply, err := s.call(t.Context(), r.script, patient, r.keys, r.args)
		if err != nil || reply[0] != step.applied {
			t.Errorf("step %d: %v, %v, want applied %d", i, reply, err, step.applied)
		}
		mustStand(t, s, p, "u", step.want)
	}
}
