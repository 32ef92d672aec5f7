package redis

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
	"github.com/token-rate-limiter/token-rate-limiter/internal/limit/limittest"
	"github.com/token-rate-limiter/token-rate-limiter/internal/redistest"
)

// commandCalls finds how often scripts have called a command.
var commandCalls = regexp.MustCompile(`cmdstat_(hget|hmget|hset|hdel|hkeys|hscan|pexpire):calls=(\d+)`)

// costOf returns the commands that scripts call in do, in the order of their names.
func costOf(t *testing.T, server *redistest.Server, do func()) string {
	t.Helper()
	command(t, server, "CONFIG", "RESETSTAT")
	do()
	var calls []string
	for _, found := range commandCalls.FindAllStringSubmatch(fmt.Sprint(must(t, server, "INFO", "commandstats")), -1) {
		calls = append(calls, found[1]+" "+found[2])
	}
	slices.Sort(calls)
	return strings.Join(calls, ", ")
}

// TestWhatRequestsCost: which commands each step of a request costs the server, for an
// account whose slots are short, and for one whose slots are as long as accounts live.
func TestWhatRequestsCost(t *testing.T) {
	for _, window := range []limit.Window{limit.Minute, limit.Day} {
		t.Run(window.String(), func(t *testing.T) {
			server := redistest.Start(t)
			clock := limittest.NewClock()
			s := join(t, server, Options{Now: clock.Now, Timeout: patient, heartbeat: -1})
			p := limittest.Policy(t, limit.PolicyOptions{
				User:          []limit.Limit{{Meter: limit.Tokens, Window: window, Max: 100}, {Meter: limit.InputTokens, Window: window, Max: 100}},
				MaxConcurrent: 10, MaxConcurrentPerUser: 5, MaxDebt: 1,
			})
			s.Serve([]string{p.Model()})
			s.renew() // tries the commands
			var g *limit.Grant
			reserve := func() { g = mustReserve(t, s, p, "u", output(10)) }
			settle := func(g *limit.Grant, n int64) { s.Settle(g, output(n)); mustFlush(t, s) }
			slot := func() { clock.Advance(window.SlotWidth()) }
			for _, step := range []struct {
				name        string
				do          func()
				minute, day string // day: the same where it is ""
			}{
				{"the first reservation", reserve, "hmget 3, hset 3, pexpire 2", ""},
				{"a top-up", func() { _, _ = s.TopUp(t.Context(), g, limit.Amount{Output: 1}, limit.WithinDebt) }, "hmget 4, hset 2", ""},
				{"a settlement", func() { settle(g, 5) }, "hdel 3, hmget 5, hset 2, pexpire 2", "hdel 3, hmget 5, hset 2, pexpire 1"},
				{"the next reservation", reserve, "hmget 3, hset 2, pexpire 1", "hmget 3, hset 2"},
				{"a settlement beside another", func() { settle(mustReserve(t, s, p, "u", output(1)), 1) }, "hdel 2, hmget 7, hset 4, pexpire 1", ""},
				{"a refund", func() { settle(g, 0) }, "hdel 3, hmget 5, hset 2, pexpire 2", "hdel 3, hmget 5, hset 2, pexpire 1"},
				{"a reservation in the next slot", func() { slot(); reserve() }, "hmget 3, hset 2, pexpire 1", "hkeys 1, hmget 3, hset 3, pexpire 2"},
				{"a reservation after the window", func() { clock.Advance(2 * window.Length()); reserve() }, "hdel 1, hmget 4, hset 3, pexpire 2", "hdel 1, hkeys 1, hmget 4, hset 3, pexpire 2"},
				{"a reservation that fills it", func() { slot(); mustReserve(t, s, p, "u", output(90)) }, "hmget 3, hset 2", "hkeys 1, hmget 3, hset 3, pexpire 2"},
				{"a denial", func() { _, _, _ = tryReserve(t.Context(), s, p, "u") }, "hmget 4", ""},
				{"a denial in the next slot", func() { slot(); _, _, _ = tryReserve(t.Context(), s, p, "u") }, "hmget 4", ""},
				{"a view", func() { _, _ = s.View(t.Context(), p, "u") }, "hmget 4", ""},
				{"a heartbeat", s.renew, "hget 1, hmget 1, hset 1, pexpire 1", "hget 1, hmget 1, hscan 1, hset 1, pexpire 1"},
				{"a settlement of what was lost", func() { command(t, server, "FLUSHALL"); settle(g, 20) }, "hdel 1, hmget 4, hset 3, pexpire 4", ""},
			} {
				want := step.minute
				if window == limit.Day && step.day != "" {
					want = step.day
				}
				if got := costOf(t, server, step.do); got != want {
					t.Errorf("%s costs %s, want %s", step.name, got, want)
				}
			}
		})
	}
}
