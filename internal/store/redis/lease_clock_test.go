package redis

import (
	"slices"
	"testing"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
	"github.com/token-rate-limiter/token-rate-limiter/internal/limit/limittest"
	"github.com/token-rate-limiter/token-rate-limiter/internal/redistest"
)

// ten lets ten requests run at once, and as many of each user.
func ten(t *testing.T) *limit.Policy {
	return limittest.Policy(t, limit.PolicyOptions{
		User:          []limit.Limit{{Meter: limit.Tokens, Window: limit.Day, Max: 1 << 40}},
		MaxConcurrent: 10, MaxConcurrentPerUser: 10,
	})
}

// admitted reserves as often as it is asked and returns the grants.
func admitted(t *testing.T, s *Store, p *limit.Policy, user string, times int) (grants []*limit.Grant) {
	t.Helper()
	for range times {
		var g limit.Grant
		var d limit.Decision
		if err := s.Reserve(t.Context(), p, user, output(10), &g, &d); err != nil {
			t.Fatal(err)
		}
		if d.Admitted {
			grants = append(grants, &g)
		}
	}
	return grants
}

// TestNoStepEndsALease runs ten of ten requests on one replica, of which the other one
// sees the server's clock step, once or again and again: none of the slots is given away,
// for no time has passed. A killed replica's slots are free once its lease has passed,
// whatever the clock shows.
func TestNoStepEndsALease(t *testing.T) {
	for name, steps := range map[string][]time.Duration{
		"a standstill of 12 s": {12 * time.Second},
		"15 s ahead":           {15 * time.Second},
		"two hours ahead":      {2 * time.Hour},
		"a month ahead":        {30 * 24 * time.Hour},
		"ten minutes back":     {-10 * time.Minute},
		"a year back":          {-365 * 24 * time.Hour},
		"ahead and back":       {2 * time.Hour, -2 * time.Hour},
		"back and ahead":       {-2 * time.Hour, 2 * time.Hour},
		"to and fro":           {time.Hour, -time.Minute, time.Hour, -3 * time.Hour, time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			a, b, clock := pair(t)
			p := ten(t)
			b.Serve([]string{p.Model()})
			clock.Set(400 * 24 * time.Hour)
			running := admitted(t, a, p, "u", 10)
			pass(clock, 30*time.Second, a, b)
			for _, step := range steps {
				clock.Advance(step)
				if got := admitted(t, b, p, "u", 3); len(got) != 0 {
					t.Fatalf("%d more run after a step of %v", len(got), step)
				}
				if got := admitted(t, b, p, "v", 3); len(got) != 0 {
					t.Fatalf("%d more of another user run after a step of %v", len(got), step)
				}
				pass(clock, heartbeatEvery, a, b)
			}
			pass(clock, time.Minute, a, b)
			mustRun(t, b, p, "u", 10)
			for _, g := range running {
				a.Settle(g, output(10))
			}
			mustFlush(t, a)
			mustRun(t, b, p, "u", 0)

			admitted(t, a, p, "u", 10) // and then a is killed
			pass(clock, time.Second, b)
			for _, step := range steps {
				clock.Advance(step)
			}
			pass(clock, leaseTTL-time.Second-heartbeatEvery-time.Millisecond, b)
			mustRun(t, b, p, "u", 10)
			pass(clock, 3*heartbeatEvery, b) // a step back loses what has passed since the last heartbeat
			if got := admitted(t, b, p, "u", 11); len(got) != 10 {
				t.Errorf("after the lease of a killed replica %d are admitted, want 10", len(got))
			}
		})
	}
}

// mustRun fails where not so many requests run, all of them of user.
func mustRun(t *testing.T, s *Store, p *limit.Policy, user string, n int64) {
	t.Helper()
	mustRunOf(t, s, p, n, user, n)
}

// mustRunOf fails where not so many requests of the model and of user run.
func mustRunOf(t *testing.T, s *Store, p *limit.Policy, n int64, user string, ofUser int64) {
	t.Helper()
	v, err := s.View(t.Context(), p, user)
	if err != nil {
		t.Fatal(err)
	}
	if v.Gauges[0].Running != n || v.Gauges[1].Running != ofUser {
		t.Fatalf("%d run, of %s %d; want %d and %d", v.Gauges[0].Running, user, v.Gauges[1].Running, n, ofUser)
	}
}

// TestCutOffForLong cuts a replica off for more than an hour, while some of its requests
// end and others go on. What it holds is void meanwhile, wholly; when it returns what
// runs is counted again, what has ended is not, and in the end nothing is held.
func TestCutOffForLong(t *testing.T) {
	for name, away := range map[string]func(*limittest.Clock, *Store){
		"an hour": func(c *limittest.Clock, b *Store) { pass(c, time.Hour+20*time.Second, b) },
		"a day":   func(c *limittest.Clock, b *Store) { pass(c, 26*time.Hour, b) },
	} {
		t.Run(name, func(t *testing.T) {
			var told []int
			clock := limittest.NewClock()
			o := Options{Now: clock.Now, Timeout: patient, heartbeat: -1, replica: "a", Restored: func(_ string, n int) { told = append(told, n) }}
			a := open(t, o)
			o.replica, o.Restored = "b", nil
			b := join(t, shared, o)
			p := ten(t)
			b.Serve([]string{p.Model()})
			ended, goOn := admitted(t, a, p, "u", 6), admitted(t, a, p, "u", 4)
			if _, err := a.TopUp(t.Context(), goOn[0], limit.Amount{Output: 7}, limit.WithinDebt); err != nil {
				t.Fatal(err)
			}
			away(clock, b)
			mustRun(t, b, p, "u", 0)
			others := admitted(t, b, p, "w", 10)

			for _, g := range ended[:3] { // before anything else of a comes
				a.Settle(g, output(4))
			}
			mustFlush(t, a)
			mustRunOf(t, b, p, 10, "u", 0) // what accounts still say of a is void
			a.renew()
			for _, g := range ended[3:] {
				a.Settle(g, output(4))
			}
			mustFlush(t, a)
			mustRunOf(t, b, p, 14, "u", 4)
			if len(told) != 1 || told[0] != 7 {
				t.Errorf("told of %v requests that were missing, want 7", told)
			}
			a.renew()
			if _, err := a.TopUp(t.Context(), goOn[0], limit.Amount{Output: 5}, limit.WithinDebt); err != nil {
				t.Fatal(err)
			}
			for _, g := range goOn {
				a.Settle(g, output(12))
			}
			mustFlush(t, a)
			mustRunOf(t, b, p, 10, "u", 0)
			for _, g := range others {
				b.Settle(g, output(10))
			}
			mustFlush(t, b)
			mustRun(t, a, p, "u", 0)
			if len(told) != 1 {
				t.Errorf("told %d times", len(told))
			}
			if got := admitted(t, a, p, "u", 10); len(got) != 10 {
				t.Errorf("%d of 10 are admitted in the end", len(got))
			}
		})
	}
}

// TestLostDataAreRestored loses all, or only what is known of replicas, while requests run: they
// count again after a heartbeat, nobody is locked out when they have ended, and nothing goes back
// to windows that was not charged to them.
func TestLostDataAreRestored(t *testing.T) {
	for name, keys := range map[string][]string{
		"all":      {"token:concurrent:{llama2-7b}", "token:usage:{llama2-7b}:u"},
		"replicas": {"token:concurrent:{llama2-7b}"},
	} {
		t.Run(name, func(t *testing.T) {
			a, b, clock := pair(t)
			p := ten(t)
			b.Serve([]string{p.Model()})
			running := admitted(t, a, p, "u", 8)
			clock.Advance(time.Second)
			for _, key := range keys {
				must(t, shared, "DEL", key)
			}
			others := admitted(t, b, p, "u", 2)
			topUp := func(g *limit.Grant) {
				t.Helper()
				if got, err := a.TopUp(t.Context(), g, limit.Amount{Output: 4}, limit.WithinDebt); err != nil || !got.Granted {
					t.Fatalf("TopUp: %+v, %v", got, err)
				}
			}
			before, err := b.View(t.Context(), p, "u")
			if err != nil {
				t.Fatal(err)
			}
			for _, g := range running[:4] { // before the loss is found
				topUp(g)
			}
			a.renew()
			b.renew()
			mustFlush(t, a)
			mustRun(t, b, p, "u", 10)
			if got := a.Stats().Restored; got != 8 {
				t.Errorf("%d are restored, want 8", got)
			}
			if got := admitted(t, b, p, "v", 1); len(got) != 0 {
				t.Error("an eleventh runs")
			}
			for _, g := range running[2:6] {
				topUp(g)
			}
			for i, g := range running { // the top-ups go back, and nothing of what is lost
				a.Settle(g, output([]int64{4, 10, 8, 0, 4, 10, 0, 3}[i]))
			}
			mustFlush(t, a)
			after, err := b.View(t.Context(), p, "u")
			if err != nil {
				t.Fatal(err)
			}
			was, is := before.Windows[0].Used+before.Windows[0].Reserved, after.Windows[0].Used+after.Windows[0].Reserved
			if is != was {
				t.Errorf("the window has %d, and had %d", is, was)
			}
			mustRun(t, b, p, "u", 2)
			for _, g := range others {
				b.Settle(g, output(10))
			}
			mustFlush(t, b)
			mustRun(t, b, p, "u", 0)
		})
	}
}

// TestOlderStateIsReplaced puts an older state of everything back, as a restart from a
// snapshot or a failover does. Whatever the replica sends first then: what has ended since
// does not run again, what has begun counts, and nothing is held in the end.
func TestOlderStateIsReplaced(t *testing.T) {
	nothing := func(*testing.T, *Store, *limit.Policy, []*limit.Grant) {}
	for name, tt := range map[string]struct {
		ended, begun int // since the snapshot, in which six run
		first        func(*testing.T, *Store, *limit.Policy, []*limit.Grant)
	}{
		"a heartbeat":                        {4, 1, nothing},
		"a heartbeat, and nothing has ended": {0, 4, nothing},
		"a settlement": {4, 1, func(t *testing.T, s *Store, _ *limit.Policy, running []*limit.Grant) {
			s.Settle(running[0], output(10))
			mustFlush(t, s)
		}},
		"a settlement of what the snapshot has not": {4, 1, func(t *testing.T, s *Store, _ *limit.Policy, running []*limit.Grant) {
			s.Settle(running[2], output(10))
			mustFlush(t, s)
		}},
		"a top-up": {4, 1, func(t *testing.T, s *Store, _ *limit.Policy, running []*limit.Grant) {
			if got, err := s.TopUp(t.Context(), running[0], limit.Amount{Output: 4}, limit.WithinDebt); err != nil || !got.Granted {
				t.Fatalf("TopUp: %+v, %v", got, err)
			}
		}},
		"a heartbeat, and nothing has begun": {4, 0, nothing},
		"a reservation": {4, 1, func(t *testing.T, s *Store, p *limit.Policy, _ []*limit.Grant) {
			s.Settle(mustReserve(t, s, p, "w", output(10)), output(10))
		}},
	} {
		t.Run(name, func(t *testing.T) {
			a, b, _ := pair(t)
			p := ten(t)
			b.Serve([]string{p.Model()})
			running := admitted(t, a, p, "u", 6)
			restore := kept(t, "token:concurrent:{llama2-7b}", "token:usage:{llama2-7b}:u")
			for _, g := range running[:tt.ended] {
				a.Settle(g, output(10))
			}
			mustFlush(t, a)
			running = append(running[tt.ended:], admitted(t, a, p, "u", tt.begun)...)
			restore()
			tt.first(t, a, p, running)
			running = slices.DeleteFunc(running, func(g *limit.Grant) bool { return !g.IsOpen() })
			for range 2 {
				a.renew()
				b.renew()
				mustFlush(t, a)
				mustRun(t, b, p, "u", int64(len(running)))
			}
			if got := a.Stats().Restored; got != int64(len(running)) {
				t.Errorf("%d are restored, want %d", got, len(running))
			}
			for _, g := range running {
				a.Settle(g, output(10))
			}
			mustFlush(t, a)
			mustRun(t, b, p, "u", 0)
			b.renew()
			if n := len(records(t, shared, "a")); n != 0 {
				t.Errorf("%d records are left of nothing", n)
			}
			if got := admitted(t, a, p, "u", 11); len(got) != 10 {
				t.Errorf("%d are admitted in the end, want 10", len(got))
			}
		})
	}
}

// kept keeps what is at keys, and returns what puts it back.
func kept(t *testing.T, keys ...string) (restore func()) {
	t.Helper()
	var dumps []string
	for _, key := range keys {
		dumps = append(dumps, must(t, shared, "DUMP", key).(string))
	}
	return func() {
		for i, key := range keys {
			must(t, shared, "RESTORE", key, "0", dumps[i], "REPLACE")
		}
	}
}

// TestAnEnrolmentIsFoundAtOnce: a replica that hears of another enrolment than its own
// does not wait for the next heartbeat to write again what it runs.
func TestAnEnrolmentIsFoundAtOnce(t *testing.T) {
	s := open(t, Options{Timeout: patient, heartbeat: time.Hour})
	p := ten(t)
	running := admitted(t, s, p, "u", 6)
	must(t, shared, "FLUSHALL")
	others := admitted(t, s, p, "u", 1)
	eventually(t, "what runs is written again", func() bool { return s.Stats().Restored == 6 })
	mustFlush(t, s)
	mustRun(t, s, p, "u", 7)
	for _, g := range append(running, others...) {
		s.Settle(g, output(10))
	}
	mustFlush(t, s)
	mustRun(t, s, p, "u", 0)
}

// TestForgottenRecordsGoSomeAtATime forgets a replica with many records: none counts from
// then on, and no heartbeat takes long to drop them.
func TestForgottenRecordsGoSomeAtATime(t *testing.T) {
	const many = 3000
	a, b, clock := pair(t)
	p := limittest.Policy(t, limit.PolicyOptions{User: []limit.Limit{{Meter: limit.Tokens, Window: limit.Day, Max: 1 << 40}}, MaxConcurrent: many})
	b.Serve([]string{p.Model()})
	c := join(t, shared, Options{Now: clock.Now, Timeout: patient, heartbeat: -1, replica: "c"})
	admitted(t, c, p, "w", many/2) // which are passed over
	admitted(t, a, p, "u", many/2)
	pass(clock, forgetAfter+leaseTTL+heartbeatEvery, b, c)
	if got := admitted(t, b, p, "u", 1); len(got) != 1 {
		t.Fatal("what a forgotten replica ran counts")
	}
	left := func() int { return len(records(t, shared, "a")) }
	first := left()
	if first == 0 || first > many/2-100 {
		t.Errorf("after the first heartbeat %d of %d records are left, want some fewer", first, many/2)
	}
	for range 3 * many / 500 {
		b.renew()
	}
	for id, want := range map[string]int{"a": 0, "b": 1, "c": many / 2} {
		if n := len(records(t, shared, id)); n != want {
			t.Errorf("%d records of %s are left, want %d", n, id, want)
		}
	}
	if h, _ := shared.Hash("token:concurrent:{llama2-7b}"); h["sweep"] != "" {
		t.Error("the search does not end")
	}
}

// TestSteps finds steps of a clock whose readings are as exact as the calls were quick.
func TestSteps(t *testing.T) {
	type reading struct{ server, asked, got, want int64 }
	for name, readings := range map[string][]reading{
		"none":              {{1000, 0, 10, 0}, {4000, 3000, 3010, 0}, {7005, 6000, 6300, 0}},
		"ahead":             {{1000, 0, 10, 0}, {19_000, 3000, 3010, 14_990}, {22_000, 6000, 6010, 0}},
		"back":              {{1_000_000, 0, 10, 0}, {403_000, 3000, 3010, -599_990}, {406_000, 6000, 6010, 0}},
		"within tolerance":  {{1000, 0, 10, 0}, {4900, 3000, 3010, 0}},
		"as far as that":    {{1000, 0, 10, 0}, {5010, 3000, 3010, 0}, {7000, 6000, 6010, 0}},
		"a long standstill": {{1000, 0, 10, 0}, {16_000, 15_000, 15_010, 0}},
		"a slow answer":     {{1000, 0, 10, 0}, {6000, 3000, 6000, 0}, {7000, 6000, 6010, 0}},
		"seen after it":     {{1000, 0, 10, 0}, {9000, 3000, 6000, 2000}},
	} {
		var c steps
		for i, r := range readings {
			if got := c.step(r.server, r.asked, r.got); got != r.want {
				t.Errorf("%s: reading %d tells of a step of %d ms, want %d", name, i, got, r.want)
			}
		}
	}
}

// TestStepIsTold moves the server's clock, and not the replica's.
func TestStepIsTold(t *testing.T) {
	clock, own := limittest.NewClock(), limittest.NewClock()
	var told []time.Duration
	s := open(t, Options{
		Now: clock.Now, local: func() int64 { return int64(own.Now()) }, Timeout: patient, heartbeat: -1,
		Stepped: func(by time.Duration) { told = append(told, by) },
	})
	s.Serve([]string{"llama2-7b"})
	tick := func(server time.Duration) {
		clock.Advance(server)
		own.Advance(heartbeatEvery)
		s.renew()
	}
	for range 3 {
		tick(heartbeatEvery)
	}
	tick(2*time.Hour + heartbeatEvery)
	tick(heartbeatEvery)
	tick(heartbeatEvery - 10*time.Minute)
	if len(told) != 2 || told[0] != 2*time.Hour || told[1] != -10*time.Minute || s.Stats().Steps != 2 {
		t.Errorf("told of %v, counted %d; want two hours ahead and ten minutes back", told, s.Stats().Steps)
	}
}

// TestStandstillEndsNoLease stops a real server for longer than leases last, and lets it
// go on: while the limit is full nobody is admitted.
func TestStandstillEndsNoLease(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	a, b := join(t, server, Options{Timeout: time.Second}), join(t, server, Options{Timeout: time.Second})
	p := ten(t)
	running := admitted(t, a, p, "u", 10)
	b.Serve([]string{p.Model()})
	eventually(t, "the heartbeat of both", func() bool {
		h, _ := server.Hash("token:concurrent:{llama2-7b}")
		return h["r:"+b.options.replica] != ""
	})
	server.Pause()
	time.Sleep(leaseTTL + 2*time.Second)
	server.Resume()
	more := 0
	for end := time.Now().Add(2 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		var g limit.Grant
		var d limit.Decision
		if err := b.Reserve(t.Context(), p, "v", output(10), &g, &d); err == nil && d.Admitted {
			more++
		}
	}
	if more != 0 {
		t.Errorf("%d ran beside 10 of 10", more)
	}
	for _, g := range running {
		a.Settle(g, output(10))
	}
	mustFlush(t, a)
	mustRun(t, b, p, "u", int64(more))
}
