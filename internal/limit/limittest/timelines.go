package limittest

import (
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
)

const (
	ms   = time.Millisecond
	sec  = time.Second
	mins = time.Minute
	hour = time.Hour
)

// perMinute is the policy of most timelines: 1000 tokens a minute.
var perMinute = limit.PolicyOptions{
	User:    []limit.Limit{tokens(limit.Minute, 1000)},
	MaxDebt: 1,
}

// stopping is perMinute under stop, which leaves no debt.
var stopping = limit.PolicyOptions{User: perMinute.User, MaxDebt: 1, Overrun: limit.Stop}

func minute(m limit.Meter, n int64) limit.Limit {
	return limit.Limit{Meter: m, Window: limit.Minute, Max: n}
}

var denied = answer{denied: true}

func waits(d time.Duration) answer { return answer{denied: true, wait: d} }

func breaks(rules ...string) answer { return answer{denied: true, broken: rules} }

func full(s limit.Scope, n int64) answer {
	return answer{denied: true, full: []limit.Gauge{{Scope: s, Running: n, Max: n}}}
}

func comes(refunded, overrun int64) answer {
	return answer{comes: &limit.Settlement{Refunded: refunded, Overrun: overrun}}
}

func sums(n ...int64) answer { return answer{sums: n} }

func resets(d ...time.Duration) answer { return answer{reset: d} }

func holds(sums []int64, held ...int64) answer { return answer{sums: sums, held: held} }

var timelines = []timeline{
	{"admits up to the maximum, and tells when the rest fits", perMinute, []step{
		{at: 500 * ms, grant: "a", in: 400, out: 200, want: answer{
			sums: []int64{600}, reset: []time.Duration{60500 * ms},
		}},
		{at: 10 * sec, grant: "b", in: 300, out: 100, want: sums(1000)},
		{at: 20 * sec, grant: "c", out: 1, want: answer{denied: true, wait: 41 * sec,
			broken: []string{"user tokens per minute"}, sums: []int64{1000}}},
		{at: 20 * sec, grant: "c", out: 601, want: waits(51 * sec)},
		{at: 60999 * ms, grant: "c", out: 1, want: waits(1 * ms)},
		{at: 61 * sec, grant: "c", out: 600, want: sums(1000)},
		{at: 70999 * ms, grant: "d", out: 1, want: waits(1 * ms)},
		{at: 71 * sec, grant: "d", out: 400, want: sums(1000)},
	}},
	{"a denial changes nothing", perMinute, []step{
		{grant: "a", out: 900},
		{at: sec, grant: "b", out: 200, want: denied},
		{at: sec, grant: "b", out: 200, want: denied},
		{at: 2 * sec, do: look, want: holds([]int64{900}, 900)},
		{at: 2 * sec, grant: "c", out: 100},
		{at: 2 * sec, do: look, user: "stranger", want: holds([]int64{0}, 0)},
		{at: 2 * sec, do: look, user: "stranger", want: resets(0)},
	}},
	{"users have accounts of their own", perMinute, []step{
		{grant: "a", user: "a", out: 1000},
		{grant: "b", user: "b", out: 1000},
		{grant: "c", user: "a", out: 1, want: denied},
	}},
	{"a refund goes back into the slot that was charged", perMinute, []step{
		{grant: "a", in: 100, out: 500},
		{at: 30 * sec, grant: "b", in: 100, out: 300},
		{at: 40 * sec, do: settle, grant: "a", in: 100, out: 100},
		{at: 40 * sec, do: look, want: holds([]int64{600}, 400)},
		{at: 40 * sec, do: look, want: resets(51 * sec)},
		{at: 61 * sec, do: look, want: sums(400)},
		{at: 62 * sec, do: settle, grant: "b", in: 100, out: 0},
		{at: 62 * sec, do: look, want: holds([]int64{100}, 0)},
		{at: 91 * sec, do: look, want: sums(0)},
	}},
	{"what was used beyond the grant is charged when it is known", perMinute, []step{
		{grant: "a", in: 100, out: 100},
		{at: 50 * sec, do: settle, grant: "a", in: 150, out: 1000},
		{at: 50 * sec, do: look, want: sums(1150)},
		{at: 61 * sec, grant: "b", out: 51, want: waits(50 * sec)},
		{at: 61 * sec, grant: "b", out: 50, want: sums(1000)},
		{at: 111 * sec, grant: "c", out: 900},
	}},
	{"top-ups are charged when they are made, and refunded newest first", perMinute, []step{
		{grant: "a", out: 100},
		{at: 10 * sec, do: topUp, grant: "a", out: 100},
		{at: 20 * sec, do: topUp, grant: "a", out: 100},
		{at: 25 * sec, do: settle, grant: "a", out: 150},
		{at: 25 * sec, do: look, want: sums(150)},
		{at: 61 * sec, do: look, want: sums(50)},
		{at: 71 * sec, do: look, want: sums(0)},
	}},
	{"a top-up without room runs into debt, as far as is allowed", perMinute, []step{
		{grant: "a", out: 900},
		{at: sec, do: topUpWithin, grant: "a", out: 101, want: denied},
		{at: sec, do: topUp, grant: "a", out: 300, want: answer{debt: 200}},
		{at: 2 * sec, do: topUp, grant: "a", out: 800, want: answer{debt: 800}},
		{at: 2 * sec, do: topUp, grant: "a", out: 1, want: denied},
		{at: 3 * sec, do: look, want: sums(2000)},
		{at: 61 * sec, grant: "b", out: 1, want: waits(sec)},
		{at: 62 * sec, grant: "b", out: 200, want: sums(1000)},
		{at: 62 * sec, do: settle, grant: "a", out: 1900, want: comes(100, 900)},
	}},
	{"a top-up without room is refused under stop, and 1 % is kept back", stopping, []step{
		{grant: "a", out: 991, want: denied},
		{grant: "a", out: 900},
		{at: sec, do: topUp, grant: "a", out: 90},
		{at: sec, do: topUp, grant: "a", out: 1, want: denied},
		{at: sec, do: settle, grant: "a", out: 995},
		{at: sec, do: look, want: sums(995)},
	}},
	{"every violated rule is told, the longest wait first", limit.PolicyOptions{
		User: []limit.Limit{
			tokens(limit.Minute, 100),
			tokens(limit.Hour, 150),
			tokens(limit.Day, 150),
			minute(limit.Requests, 2),
			minute(limit.InputTokens, 60),
			minute(limit.OutputTokens, 60),
		},
		Total: []limit.Limit{tokens(limit.Minute, 120)},
	}, []step{
		{grant: "a", in: 50, out: 50, want: sums(100, 100, 100, 50, 50, 1, 100)},
		{at: sec, grant: "b", in: 20, out: 31, want: breaks(
			"user tokens per day", "user tokens per hour", "user tokens per minute",
			"user input_tokens per minute", "user output_tokens per minute",
			"model tokens per minute")},
		{at: sec, grant: "b", in: 20, out: 31, want: waits(24*hour + 30*mins - sec)},
		{at: sec, grant: "b", user: "v", in: 20, out: 10, want: breaks("model tokens per minute")},
		{at: sec, grant: "b", user: "v", in: 10, out: 10},
		{at: 61 * sec, grant: "c", in: 25, out: 25, want: sums(50, 150, 150, 25, 25, 1, 70)},
		{at: 62 * sec, do: settle, grant: "a", in: 50, out: 10},
		{at: 62 * sec, do: look, want: sums(50, 110, 110, 25, 25, 1, 50)},
	}},
	{"refund of everything, the request too", users(
		minute(limit.Requests, 1), tokens(limit.Minute, 10),
	), []step{
		{grant: "a", out: 10},
		{at: sec, grant: "b", want: denied},
		{at: sec, do: refund, grant: "a"},
		{at: sec, do: look, want: sums(0, 0)},
		{at: sec, grant: "b", out: 10},
	}},
	{"a refund finds its slot where the first window has wider ones", users(
		tokens(limit.Hour, 1000), minute(limit.Requests, 10),
	), []step{
		{grant: "a", out: 500},
		{at: 30 * sec, grant: "b", out: 100},
		{at: 40 * sec, do: refund, grant: "a"},
		{at: 61 * sec, do: look, want: sums(100, 1)},
		{at: 91 * sec, do: look, want: sums(100, 0)},
	}},
	{"running requests, of the model and of a user", limit.PolicyOptions{
		User:          []limit.Limit{tokens(limit.Minute, 1000)},
		MaxConcurrent: 3, MaxConcurrentPerUser: 2,
	}, []step{
		{grant: "a", out: 1},
		{grant: "b", out: 1},
		{grant: "c", out: 1, want: full(limit.UserScope, 2)},
		{grant: "c", user: "v", out: 1},
		{grant: "d", user: "v", out: 1, want: full(limit.ModelScope, 3)},
		{do: settle, grant: "a", out: 1},
		{do: settle, grant: "a", out: 1},
		{grant: "d", user: "v", out: 1},
		{grant: "e", out: 1, want: denied},
		{do: look, user: "v", want: answer{full: []limit.Gauge{
			{Scope: limit.ModelScope, Running: 3, Max: 3},
			{Scope: limit.UserScope, Running: 2, Max: 2}}}},
	}},
	{"only running requests are limited", limit.PolicyOptions{MaxConcurrent: 1}, []step{
		{grant: "a", out: 1_000_000},
		{grant: "b", want: full(limit.ModelScope, 1)},
		{do: settle, grant: "a", out: 1_000_000},
		{grant: "b"},
	}},
	{"a small step back of the clock stands still", perMinute, []step{
		{at: 10 * sec, grant: "a", out: 1000},
		{at: 9500 * ms, grant: "b", out: 1, want: waits(61 * sec)},
		{at: 9 * sec, grant: "b", out: 1, want: waits(61 * sec)}, // as far as is tolerated
		{at: 70999 * ms, grant: "b", out: 1, want: denied},
		{at: 71 * sec, grant: "b", out: 1},
	}},
	{"a long step back keeps the age of what was charged", perMinute, []step{
		{at: hour, grant: "a", out: 600},
		{at: hour + 10*sec, grant: "b", out: 400},
		{at: 0, grant: "c", out: 1, want: waits(51 * sec)},
		{at: sec, do: settle, grant: "a", out: 100},
		{at: sec, do: look, want: sums(500)},
		{at: 51 * sec, do: look, want: sums(400)},
		{at: 60999 * ms, do: look, want: sums(400)},
		{at: 61 * sec, do: look, want: sums(0)},
	}},
	{"a step back by more than is tolerated keeps the age", perMinute, []step{
		{at: 10 * sec, grant: "a", out: 1000},
		{at: 9*sec - ms, grant: "b", out: 1, want: waits(61 * sec)},
		{at: 69998 * ms, grant: "b", out: 1, want: denied},
		{at: 69999 * ms, grant: "b", out: 1},
	}},
	{"what has left a window leaves it also where nothing new is charged to that", users(
		tokens(limit.Minute, 1000), minute(limit.InputTokens, 1000),
	), []step{
		{grant: "a", in: 10, out: 10},
		{at: 61 * sec, grant: "b", out: 10},
		{at: 62 * sec, do: look, want: sums(10, 0)},
		{at: 63 * sec, grant: "c", in: 1000, want: breaks("user tokens per minute")},
	}},
	{"a top-up is not kept off by a limit of what it does not need", users(
		minute(limit.InputTokens, 100), minute(limit.OutputTokens, 100),
	), []step{
		{grant: "a", in: 50, out: 10},
		{grant: "b", in: 40, out: 10},
		{do: settle, grant: "b", in: 200, out: 10},
		{at: sec, do: topUpWithin, grant: "a", out: 10},
		{at: sec, do: topUp, grant: "a", out: 10},
		{at: sec, do: look, want: sums(250, 40)},
	}},
	{"a refund leaves alone what has taken the place of its slot", perMinute, []step{
		{grant: "a", out: 500},
		{at: 61 * sec, grant: "b", out: 100},
		{at: 61 * sec, do: settle, grant: "a", out: 0},
		{at: 61 * sec, do: look, want: holds([]int64{100}, 100)},
	}},
	{"only running requests of a user are limited", limit.PolicyOptions{
		MaxConcurrentPerUser: 1,
	}, []step{
		{grant: "a"},
		{grant: "b", want: full(limit.UserScope, 1)},
		{grant: "c", user: "v"},
		{do: settle, grant: "a"},
		{grant: "b"},
	}},
	{"what never fits waits until nothing is left", perMinute, []step{
		{grant: "a", out: 400},
		{at: 5 * sec, grant: "b", out: 100},
		{at: 20 * sec, grant: "c", out: 1001, want: waits(46 * sec)},
	}},
	{"amounts beyond 32 bits", users(tokens(limit.Day, 1<<40)), []step{
		{grant: "a", in: 1 << 39, out: 5},
		{at: hour, grant: "b", in: 1 << 39, want: denied},
		{at: hour, grant: "b", in: 1<<39 - 5, want: sums(1 << 40)},
		{at: 2 * hour, do: settle, grant: "a", in: 1},
		{at: 2 * hour, do: look, want: sums(1<<39 - 4)},
		{at: 24*hour + 30*mins, do: look, want: sums(1<<39 - 5)},
	}},
}
