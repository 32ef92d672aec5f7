package admission

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
	"github.com/token-rate-limiter/token-rate-limiter/internal/limit/limittest"
	"github.com/token-rate-limiter/token-rate-limiter/internal/store/memory"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/sse"
)

func TestAhead(t *testing.T) {
	for _, tt := range []struct {
		name                string
		used, granted, most int64
		decoding            time.Duration
		want                int64
	}{
		{"nothing is known of the pace", 0, 100, 0, time.Second, 0},
		{"the next second is covered", 100, 151, 0, 2 * time.Second, 0},
		{"two seconds at once", 100, 149, 0, 2 * time.Second, 100},
		{"no fewer than a few", 4, 5, 0, 2 * time.Second, topUpMin},
		{"an eighth of a long stream", 1000, 1005, 0, 100 * time.Second, 125},
		{"no more than so many", 100_000, 100_005, 0, 1000 * time.Second, topUpMax},
		{"no more than there can be", 100, 149, 160, 2 * time.Second, 11},
		{"nothing where all is granted", 100, 149, 149, 2 * time.Second, 0},
	} {
		if got := ahead(tt.used, tt.granted, tt.most, tt.decoding); got != tt.want {
			t.Errorf("%s: %d, want %d", tt.name, got, tt.want)
		}
	}
}

// TestChargesOfALongStream: an hour of a stream at ten tokens a second is charged
// in few parts, of which none is much ahead of it.
func TestChargesOfALongStream(t *testing.T) {
	const pace, hour = 10, 3600
	charges, granted := 1, int64(100)
	for second := int64(1); second <= hour; second++ {
		used := second * pace
		if n := ahead(used, granted, 0, time.Duration(second)*time.Second); n > 0 {
			charges++
			granted += n
		}
		if over := granted - used; over < 0 || over > topUpMax+pace {
			t.Fatalf("after %d s %d are granted, %d used", second, granted, used)
		}
	}
	if charges > 100 {
		t.Errorf("it has %d charges", charges)
	}
}

// answering is a store that answers top-ups as it is told, and keeps what it was asked.
type answering struct {
	limit.Store
	answers string // one for each: y granted, n refused, ? not decided
	asked   []string
}

func (a *answering) TopUp(_ context.Context, _ *limit.Grant, more limit.Amount, b limit.Bound) (limit.TopUp, error) {
	answer := byte('?') // where nobody was to ask
	if len(a.asked) < len(a.answers) {
		answer = a.answers[len(a.asked)]
	}
	a.asked = append(a.asked, fmt.Sprintf("%d+%d %s", more.Input, more.Output, map[limit.Bound]string{limit.WithinLimits: "ahead", limit.WithinDebt: "owed"}[b]))
	if answer == '?' {
		return limit.TopUp{}, limit.ErrUnavailable
	}
	return limit.TopUp{Granted: answer == 'y'}, nil
}

// TestBacked: a stream that was granted 20 tokens of input and 100 of output, and has been
// decoding for ten seconds, asks for what it has used beyond that, and else for what comes
// next. What is refused is not asked for ahead again for a while; without what it has
// generated it does not go on.
func TestBacked(t *testing.T) {
	const inputGranted, outputGranted = 20, 100
	for _, tt := range []struct {
		name          string
		input, output int64  // that are told
		unless        string // what else is so: quiet, calm, stop, concluded, needless
		answers       string
		asked         []string
		stops, pauses bool
	}{
		{"covered", 20, 50, "", "", nil, false, false},
		{"less than was granted", 5, 50, "", "", nil, false, false},
		{"ahead", 20, 98, "", "y", []string{"0+19 ahead"}, false, false},
		{"ahead, refused", 20, 98, "", "n", []string{"0+19 ahead"}, false, true},
		{"ahead, not decided", 20, 98, "", "?", []string{"0+19 ahead"}, false, false},
		{"ahead, in the pause", 20, 98, "quiet", "", nil, false, false},
		{"all used", 20, 100, "", "y", []string{"0+20 ahead"}, false, false},
		{"behind", 20, 105, "", "y", []string{"0+13 owed"}, false, false},
		{"behind, in the pause", 20, 105, "quiet", "y", []string{"0+13 owed"}, false, false},
		{"behind, and little room", 20, 105, "", "ny", []string{"0+13 owed", "0+5 owed"}, false, true},
		{"behind, and no room", 20, 105, "", "nn", []string{"0+13 owed", "0+5 owed"}, true, true},
		{"behind, not decided", 20, 105, "", "?", []string{"0+13 owed"}, false, false},
		{"behind, not decided, and nothing unpaid", 20, 105, "stop", "?", []string{"0+13 owed"}, true, false},
		{"more input", 30, 50, "", "y", []string{"10+8 owed"}, false, false},
		{"more input, in the pause", 30, 50, "quiet", "", nil, false, false},
		{"more input, and no room", 30, 50, "", "nn", []string{"10+8 owed", "10+0 owed"}, false, true},
		{"more input, not decided, and nothing unpaid", 30, 50, "stop", "?", []string{"10+8 owed"}, false, false},
		{"more of both", 30, 105, "", "y", []string{"10+13 owed"}, false, false},
		{"more of both, and room for output only", 30, 105, "", "nny", []string{"10+13 owed", "10+5 owed", "0+5 owed"}, false, true},
		{"more of both, and no room", 30, 105, "", "nnn", []string{"10+13 owed", "10+5 owed", "0+5 owed"}, true, true},
		{"before the next look", 20, 105, "calm", "", nil, false, false},
		{"before the next look, and more input", 30, 105, "calm", "y", []string{"10+13 owed"}, false, false},
		{"concluded", 20, 105, "concluded", "", nil, false, false},
		{"no tokens are limited", 20, 105, "needless", "", nil, false, false},
	} {
		o := limit.PolicyOptions{User: []limit.Limit{{Meter: limit.Tokens, Window: limit.Day, Max: 1 << 30}}}
		if tt.unless == "stop" {
			o.Overrun = limit.Stop
		}
		store := &answering{Store: memory.New(memory.Options{}), answers: tt.answers}
		x := judging(t, wire.ChatCompletions)
		x.request.Store, x.request.Terms.Policy = store, limittest.Policy(t, o)
		if err := store.Reserve(t.Context(), x.request.Terms.Policy, "alice", limit.Amount{Input: inputGranted, Output: outputGranted, Requests: 1}, &x.grant, &x.decision); err != nil {
			t.Fatal(err)
		}
		x.stream.Event(nil, sse.Parse(fmt.Appendf(nil, "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":%q}}],\"usage\":{\"prompt_tokens\":%d,\"completion_tokens\":%d}}\n\n",
			strings.Repeat("some ", int(tt.output)), tt.input, tt.output)))

		now := time.Now()
		x.Streaming()
		switch tt.unless {
		case "concluded":
			x.Settle(RequestOnly(true))
		case "needless":
			x.topUp.needless = true
		case "calm":
			x.topUp.calm, x.topUp.input = tt.output+1, inputGranted
		}
		var quiet time.Time
		if tt.unless == "quiet" {
			quiet = now.Add(time.Millisecond)
		}
		x.topUp.quiet = quiet
		if goesOn := x.Backed(t.Context(), &x.stream, Pace{First: now.Add(-10 * time.Second), Last: now}); goesOn == tt.stops {
			t.Errorf("%s: it goes on: %v", tt.name, goesOn)
		}
		if tt.pauses {
			quiet = now.Add(refusalPause)
		}
		if diff := cmp.Diff(tt.asked, store.asked); diff != "" || !x.topUp.quiet.Equal(quiet) {
			t.Errorf("%s: quiet until %v, want %v; asked (-want +got):\n%s", tt.name, x.topUp.quiet, quiet, diff)
		}
	}
}
