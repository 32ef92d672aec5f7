package redis

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
	"github.com/token-rate-limiter/token-rate-limiter/internal/limit/limittest"
	"github.com/token-rate-limiter/token-rate-limiter/internal/redistest"
)

// timed has a server of its own write down how long each of its commands takes.
func timed(tb testing.TB) *redistest.Server {
	tb.Helper()
	server := redistest.Start(tb)
	must(tb, server, "CONFIG", "SET", "slowlog-log-slower-than", "0")
	must(tb, server, "CONFIG", "SET", "slowlog-max-len", "1500")
	return server
}

func must(tb testing.TB, server *redistest.Server, args ...string) any {
	tb.Helper()
	reply, err := server.Do(args...)
	if err != nil {
		tb.Fatal(err)
	}
	return reply
}

// scriptTimes returns the times of the scripts since it was asked the last time, by the
// server's own clock, the longest first.
func scriptTimes(tb testing.TB, server *redistest.Server) (times []time.Duration) {
	tb.Helper()
	for _, e := range must(tb, server, "SLOWLOG", "GET", "-1").([]any) {
		entry := e.([]any)
		if name := entry[3].([]any)[0]; name == "EVALSHA" || name == "EVAL" {
			times = append(times, time.Duration(entry[2].(int64))*time.Microsecond)
		}
	}
	must(tb, server, "SLOWLOG", "RESET")
	slices.Sort(times)
	slices.Reverse(times)
	return times
}

// longDebt is how many tokens the outboxes of TestLongDebtIsCheap run into debt;
// LONG_DEBT says otherwise.
func longDebt(tb testing.TB) int64 {
	if text := os.Getenv("LONG_DEBT"); text != "" {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			tb.Fatal(err)
		}
		return n
	}
	return 9_000
}

// TestLongDebtIsCheap runs outboxes into debt, topped up every nine tokens, and settles
// them with what was used, with a little less, and with nothing: a record has no more
// charges than there are slots. With LONG_DEBT, on a machine that is not busy, no script
// takes much longer than a batch of ordinary settlements does: of the settlements the
// shortest counts, of the top-ups all but one of a hundred.
func TestLongDebtIsCheap(t *testing.T) {
	server := timed(t)
	clock := limittest.NewClock()
	s := join(t, server, Options{Now: clock.Now, Timeout: patient, heartbeat: -1})
	tokens := func(m limit.Meter, w limit.Window) limit.Limit { return limit.Limit{Meter: m, Window: w, Max: 100_000} }
	limits := []limit.Limit{
		tokens(limit.Tokens, limit.Minute), tokens(limit.Tokens, limit.Hour), tokens(limit.Tokens, limit.Day),
		tokens(limit.OutputTokens, limit.Minute), tokens(limit.OutputTokens, limit.Hour), tokens(limit.OutputTokens, limit.Day),
	}
	p := limittest.Policy(t, limit.PolicyOptions{User: limits, Total: limits, MaxDebt: 100})
	ordinary := ordinarySettlements(t, s, server)
	bound := 2*ordinary + time.Millisecond
	for name, used := range map[string]func(int64) int64{
		"all":        func(n int64) int64 { return n },
		"a bit less": func(n int64) int64 { return n - 900 },
		"nothing":    func(int64) int64 { return 0 },
	} {
		t.Run(name, func(t *testing.T) {
			var open []*limit.Grant
			for range 3 {
				open = append(open, mustReserve(t, s, p, name, output(9)))
			}
			scriptTimes(t, server)
			n := int64(9)
			for ; n < longDebt(t); n += 9 {
				clock.Advance(time.Second / 2)
				for _, g := range open {
					if got, err := s.TopUp(t.Context(), g, limit.Amount{Output: 9}, limit.WithinDebt); err != nil || !got.Granted {
						t.Fatalf("TopUp: %+v, %v", got, err)
					}
				}
			}
			topUps := scriptTimes(t, server)
			// A minute's slots, those of the hour and the day since the start, and what is
			// not folded yet.
			elapsed := time.Duration(n/9) * time.Second / 2
			most := 61 + min(61, int(elapsed/time.Minute)+1) + min(49, int(elapsed/(30*time.Minute))+1) + 30
			for _, text := range records(t, server, s.options.replica) {
				if charges := strings.Count(text, ";"); charges > most {
					t.Errorf("a record has %d charges, may have %d", charges, most)
				}
			}
			longest, settled := topUps[len(topUps)/100], time.Hour
			for _, g := range open {
				s.Settle(g, output(used(n)))
				mustFlush(t, s)
				settled = min(settled, scriptTimes(t, server)[0])
			}
			t.Logf("%d tokens: the longest top-up took %v (%v), the settlement %v; a batch of %d ordinary settlements %v",
				n, longest, topUps[0], settled, batchCharges, ordinary)
			if os.Getenv("LONG_DEBT") != "" && (settled > bound || longest > bound) {
				t.Errorf("a script took %v, want %v at most", max(settled, longest), bound)
			}
			clock.Advance(48 * time.Hour)
		})
	}
}

// ordinarySettlements returns how long a batch of the settlements of ordinary requests
// takes, as many as a batch may have.
func ordinarySettlements(t *testing.T, s *Store, server *redistest.Server) time.Duration {
	p := limittest.Policy(t, limit.PolicyOptions{User: []limit.Limit{{Meter: limit.Tokens, Window: limit.Day, Max: 1 << 40}}, Model: "other"})
	took := time.Hour
	for range 5 {
		var batch []*limit.Grant
		for i := range batchCharges {
			batch = append(batch, mustReserve(t, s, p, strconv.Itoa(i), output(20)))
		}
		scriptTimes(t, server)
		for _, g := range batch {
			s.Settle(g, output(10))
		}
		mustFlush(t, s)
		took = min(took, scriptTimes(t, server)[0])
	}
	return took
}
