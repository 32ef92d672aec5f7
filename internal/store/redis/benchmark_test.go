package redis

import (
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
	"github.com/token-rate-limiter/token-rate-limiter/internal/limit/limittest"
)

// benchmarkPolicy is that of a common configuration: three windows per user
// and a number of concurrent requests.
func benchmarkPolicy(b *testing.B) *limit.Policy {
	return limittest.Policy(b, limit.PolicyOptions{
		User: []limit.Limit{
			{Meter: limit.Tokens, Window: limit.Minute, Max: 1 << 40},
			{Meter: limit.Tokens, Window: limit.Hour, Max: 1 << 40},
			{Meter: limit.Tokens, Window: limit.Day, Max: 1 << 40},
		},
		MaxConcurrent: 1 << 20,
	})
}

// BenchmarkReserveSettle measures whole requests, with 50 callers at a time
// over 1000 users: a reservation, and a settlement in a batch.
func BenchmarkReserveSettle(b *testing.B) {
	s := open(b, Options{Timeout: patient})
	p := benchmarkPolicy(b)
	var callers atomic.Int64
	b.SetParallelism(25)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		i := callers.Add(1) * 20
		var g limit.Grant
		var d limit.Decision
		for pb.Next() {
			i++
			g.Reset()
			user := fmt.Sprint("user", i%1000)
			if err := s.Reserve(b.Context(), p, user, limit.Amount{Input: 30, Output: 60, Requests: 1}, &g, &d); err != nil {
				b.Fatal(err)
			}
			s.Settle(&g, limit.Amount{Input: 30, Output: 45, Requests: 1})
		}
	})
	if err := s.Flush(b.Context()); err != nil {
		b.Fatal(err)
	}
	st := s.Stats()
	b.ReportMetric(float64(b.N)/float64(max(1, st.Batches)), "settlements/batch")
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "requests/s")
}

// BenchmarkLongDebt measures the top-ups of a outbox that runs into debt, nine tokens
// each, and then its settlement, by the server's own clock: -benchtime 33000x is one of
// 300,000 tokens.
func BenchmarkLongDebt(b *testing.B) {
	server := timed(b)
	s := join(b, server, Options{Timeout: patient})
	p := benchmarkPolicy(b)
	g := mustReserve(b, s, p, "u", output(9))
	scriptTimes(b, server)
	b.ResetTimer()
	for range b.N {
		if _, err := s.TopUp(b.Context(), g, limit.Amount{Output: 9}, limit.WithinDebt); err != nil {
			b.Fatal(err)
		}
	}
	b.StopTimer()
	topUps := scriptTimes(b, server)
	s.Settle(g, output(9))
	mustFlush(b, s)
	b.ReportMetric(float64(topUps[len(topUps)/2].Microseconds()), "median-top-up-µs")
	b.ReportMetric(float64(topUps[len(topUps)/100].Microseconds()), "99%-top-up-µs")
	b.ReportMetric(float64(scriptTimes(b, server)[0].Microseconds()), "settlement-µs")
}
