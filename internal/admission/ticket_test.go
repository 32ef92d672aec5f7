package admission

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
	"github.com/token-rate-limiter/token-rate-limiter/internal/limit/limittest"
	"github.com/token-rate-limiter/token-rate-limiter/internal/store/memory"
	"github.com/token-rate-limiter/token-rate-limiter/internal/usage"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/answer"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/chars"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/metering"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/request"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/sse"
)

// model is the terms of a model whose user has so many tokens a day, and one running slot.
func model(t testing.TB, name string, tokens int64) Terms {
	return Terms{
		Pricer: usage.NewPricer(usage.Options{DefaultOutput: 10}),
		Policy: limittest.Policy(t, limit.PolicyOptions{
			Model: name, MaxConcurrentPerUser: 1,
			User: []limit.Limit{
				{Meter: limit.Tokens, Window: limit.Day, Max: tokens}, {Meter: limit.Requests, Window: limit.Day, Max: 100},
			},
		}),
	}
}

// call returns a chat of so many tokens of input, of which the pricer knows the number.
func call(tokens int64) *request.Request {
	return &request.Request{Endpoint: wire.ChatCompletions, Sequences: 1, Choices: 1, Prompts: 1, Content: request.Content{TokenIDs: tokens}}
}

// account returns what is used and reserved of tokens and requests, and what runs.
func account(t testing.TB, s limit.Store, terms Terms) string {
	t.Helper()
	v, err := s.View(context.Background(), terms.Policy, "alice")
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, w := range v.Windows {
		fmt.Fprintf(&b, "%s %d+%d, ", w.Rule.Meter, w.Used, w.Reserved)
	}
	return fmt.Sprintf("%s%d running", b.String(), v.Gauges[1].Running)
}

// told is the cost of an answer with a usage.
func told(t *Ticket, input, output int64) Cost {
	return t.Told(&answer.Answer{Report: metering.Report{Usage: wire.Usage{Input: input, Output: output}, InputTold: true, OutputTold: true}}, 100, time.Second,
		func() chars.Text { return chars.Text{} })
}

// witness is an Observer that keeps what it is told.
type witness []string

func (w *witness) note(format string, args ...any) { *w = append(*w, fmt.Sprintf(format, args...)) }
func (w *witness) Reserving()                      { w.note("reserving") }
func (w *witness) Reserved(v Verdict)              { w.note("reserved %s", v) }
func (w *witness) Extended()                       { w.note("extended") }
func (w *witness) Dismissed()                      { w.note("dismissed") }
func (w *witness) Settling(c Cost, s limit.Settlement) {
	w.note("settling %d+%d, %d back", c.Amount.Input, c.Amount.Output, s.Refunded)
}
func (w *witness) Settled(Cost, limit.Settlement) { w.note("settled") }

// TestLife: a request is admitted, holds what it may cost, and costs what its answer tells,
// exactly once; its observer sees it.
func TestLife(t *testing.T) {
	store, terms := memory.New(memory.Options{}), model(t, "a", 1000)
	var seen witness
	var ticket Ticket
	for range 2 { // a ticket is used again
		seen = nil
		ticket.Begin(Request{User: "alice", Terms: terms, Call: call(100), Store: store, Observer: &seen})
		if err := errors.Join(ticket.Price(t.Context()), ticket.Reserve(t.Context())); err != nil {
			t.Fatal(err)
		}
		if !ticket.IsOpen() || !ticket.Holds() || ticket.Need().Input < 100 || ticket.Granted() != ticket.Need() {
			t.Errorf("charged %+v, granted %+v", ticket.Need(), ticket.Granted())
		}
		ticket.Sent(time.Now())
		ticket.Settle(told(&ticket, 100, 7))
		ticket.Settle(told(&ticket, 900, 70))
		ticket.Close()
		if got := ticket.Cost(); ticket.IsOpen() || got.Amount != (limit.Amount{Input: 100, Output: 7, Requests: 1}) || got.Estimated() {
			t.Errorf("it costs %+v", got)
		}
		back := ticket.Need().Tokens() - 107
		want := witness{"reserving", "reserved admitted", fmt.Sprintf("settling 100+7, %d back", back), "settled"}
		if diff := cmp.Diff(want, seen); diff != "" {
			t.Errorf("its observer (-want +got):\n%s", diff)
		}
	}
	if got := account(t, store, terms); got != "tokens 214+0, requests 2+0, 0 running" {
		t.Error(got)
	}
}

// TestClose: what nobody has settled costs nothing before a model server has got it, and
// what it was granted afterwards.
func TestClose(t *testing.T) {
	for sent, want := range map[bool]string{
		false: "tokens 0+0, requests 0+0, 0 running",
		true:  "tokens 110+0, requests 1+0, 0 running", // 100, and 10 by default
	} {
		store, terms := memory.New(memory.Options{}), model(t, "a", 1000)
		var ticket Ticket
		ticket.Close() // that of nothing
		ticket.Begin(Request{User: "alice", Terms: terms, Call: call(100), Store: store, Observer: nobody{}})
		if err := errors.Join(ticket.Price(t.Context()), ticket.Reserve(t.Context())); err != nil {
			t.Fatal(err)
		}
		if sent {
			ticket.Sent(time.Now())
		}
		ticket.Close()
		ticket.Reset() // forgets what is closed, and closes what is not
		if got := account(t, store, terms); got != want {
			t.Errorf("sent %v: %s, want %s", sent, got, want)
		}
	}
}

// TestMoves: a request that is given up on one model and admitted on another costs nothing
// on the first, and what it uses on the second. Where a model server of the first has got
// it, it is a request there too.
func TestMoves(t *testing.T) {
	for got, want := range map[bool][2]string{
		false: {"tokens 0+0, requests 0+0, 0 running", "tokens 107+0, requests 1+0, 0 running"},
		true:  {"tokens 0+0, requests 1+0, 0 running", "tokens 107+0, requests 1+0, 0 running"},
	} {
		store, a, b := memory.New(memory.Options{}), model(t, "a", 1000), model(t, "b", 500)
		var ticket Ticket
		for _, terms := range []Terms{a, b} {
			ticket.Begin(Request{User: "alice", Terms: terms, Call: call(100), Store: store, Observer: nobody{}})
			if err := errors.Join(ticket.Price(t.Context()), ticket.Reserve(t.Context())); err != nil {
				t.Fatal(err)
			}
			ticket.Sent(time.Now())
			if terms.Policy == a.Policy {
				ticket.Settle(RequestOnly(got))
			} else {
				ticket.Settle(told(&ticket, 100, 7))
			}
		}
		if have := [2]string{account(t, store, a), account(t, store, b)}; have != want {
			t.Errorf("got %v: %v, want %v", got, have, want)
		}
	}
}

// TestRefusals: what can never be admitted and what cannot be admitted now is told apart, and
// changes nothing.
func TestRefusals(t *testing.T) {
	store, terms := memory.New(memory.Options{}), model(t, "a", 150)
	var first, ticket Ticket
	first.Begin(Request{User: "alice", Terms: terms, Call: call(20), Store: store, Observer: nobody{}})
	if err := errors.Join(first.Price(t.Context()), first.Reserve(t.Context())); err != nil {
		t.Fatal(err)
	}
	before := account(t, store, terms)
	if before != "tokens 0+30, requests 0+1, 1 running" {
		t.Fatal(before)
	}

	ticket.Begin(Request{User: "alice", Terms: terms, Call: call(200), Store: store, Observer: nobody{}})
	var misfit *limit.MisfitError
	if err := ticket.Price(t.Context()); !errors.As(err, &misfit) || misfit.Need < 200 {
		t.Errorf("a request of more than the limit: %v", err)
	}

	ticket.Begin(Request{User: "alice", Terms: terms, Call: call(130), Store: store, Observer: nobody{}})
	err := errors.Join(ticket.Price(t.Context()), ticket.Reserve(t.Context()))
	var denied *DeniedError
	if !errors.As(err, &denied) || denied.Limit() != "user tokens per day" || len(denied.Full) != 1 || denied.Wait < time.Minute || denied.Need.Input < 130 {
		t.Errorf("a request of more than is left: %v", err)
	}
	ticket.Begin(Request{User: "alice", Terms: terms, Call: call(1), Store: store, Observer: nobody{}})
	err = errors.Join(ticket.Price(t.Context()), ticket.Reserve(t.Context()))
	if !errors.As(err, &denied) || denied.Limit() != "user concurrent_requests" || denied.Wait != SlotWait {
		t.Errorf("a second request: %v", err)
	}

	if after := account(t, store, terms); after != before {
		t.Errorf("before the denials %s, afterwards %s", before, after)
	}
	gone, leave := context.WithCancel(t.Context())
	leave()
	if err := store.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	for ctx, want := range map[context.Context]error{t.Context(): limit.ErrClosed, gone: context.Canceled} {
		if err := errors.Join(ticket.Price(ctx), ticket.Reserve(ctx)); !errors.Is(err, want) || ticket.IsOpen() {
			t.Errorf("of a closed store: %v, want %v", err, want)
		}
	}
}

// flaky is a store that does not answer some of its calls.
type flaky struct {
	limit.Store
	rng *rand.Rand
}

func (f *flaky) fails() bool { return f.rng.IntN(8) == 0 }

func (f *flaky) Reserve(ctx context.Context, p *limit.Policy, user string, need limit.Amount, g *limit.Grant, d *limit.Decision) error {
	if f.fails() {
		return limit.ErrUnavailable
	}
	return f.Store.Reserve(ctx, p, user, need, g, d)
}

func (f *flaky) TopUp(ctx context.Context, g *limit.Grant, more limit.Amount, b limit.Bound) (limit.TopUp, error) {
	if f.fails() {
		return limit.TopUp{}, limit.ErrUnavailable
	}
	return f.Store.TopUp(ctx, g, more, b)
}

// nobody is an Observer that is told in vain.
type nobody struct{}

func (nobody) Reserving()                      {}
func (nobody) Reserved(Verdict)                {}
func (nobody) Extended()                       {}
func (nobody) Dismissed()                      {}
func (nobody) Settling(Cost, limit.Settlement) {}
func (nobody) Settled(Cost, limit.Settlement)  {}

// settlements is an Observer that adds up what was settled, and counts what was.
type settlements struct {
	nobody
	used               limit.Amount
	dismissed, settled int64
}

func (s *settlements) Dismissed() { s.dismissed++ }
func (s *settlements) Settled(c Cost, _ limit.Settlement) {
	s.used = s.used.Plus(c.Amount)
	s.settled++
}

// TestSettledOnce: whatever is done with tickets, in any order, over a store that does not
// always answer, with questions and top-ups, an account holds what was settled and what open
// tickets were granted, and each of them once.
func TestSettledOnce(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 11))
	seen := map[string]int{}
	for range 300 {
		store := &flaky{Store: memory.New(memory.Options{}), rng: rng}
		terms := model(t, "a", 3000)
		terms.ExactInput = rng.IntN(2) == 0
		terms.Policy = limittest.Policy(t, limit.PolicyOptions{
			Model: "a", MaxConcurrentPerUser: 3, MaxDebt: 0.5, Overrun: limit.Overrun(rng.IntN(2)),
			User: []limit.Limit{{Meter: limit.Tokens, Window: limit.Day, Max: 2000}, {Meter: limit.Requests, Window: limit.Day, Max: 30}},
		})
		var settled settlements
		var questions int64 // that a model server got, of requests that were dismissed
		var recorded int64  // requests, by what tickets say that they have cost
		tickets := make([]Ticket, 4)
		for range 60 {
			ticket := &tickets[rng.IntN(len(tickets))]
			switch step := rng.IntN(7); {
			case step < 2 && !ticket.IsOpen():
				c := &counter{n: rng.Int64N(300), reached: rng.IntN(3) > 0}
				r := &request.Request{Endpoint: wire.ChatCompletions, Stream: true, Sequences: 1, Choices: 1, Prompts: 1, Beside: rng.Int64N(800), Content: request.Content{Messages: 1}}
				recorded += ticket.Cost().Amount.Requests
				ticket.Begin(Request{User: "alice", Terms: terms, Call: r, Store: store, Counter: c, Observer: &settled})
				before := settled.dismissed
				err := errors.Join(ticket.Price(t.Context()), ticket.Reserve(t.Context())) // either is right
				if settled.dismissed > before && c.reached {
					questions++
					seen["dismissed"]++
				}
				seen[fmt.Sprint("admitted ", err == nil)]++
			case step == 2 && ticket.IsOpen():
				ticket.Sent(time.Now())
				ticket.Metered(true)
				ticket.Streaming()
			case step == 3 && ticket.IsOpen() && !ticket.sent.IsZero():
				var stream answer.Stream
				stream.Reset(wire.ChatCompletions, answer.StreamOptions{})
				n := rng.IntN(900)
				stream.Event(nil, sse.Parse(fmt.Appendf(nil, "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":%q}}],\"usage\":{\"prompt_tokens\":%d,\"completion_tokens\":%d}}\n\n",
					strings.Repeat("some ", n), rng.IntN(300), n)))
				seen[fmt.Sprint("backed ", ticket.Backed(t.Context(), &stream, Pace{First: time.Now().Add(-time.Second), Last: time.Now()}))]++
			case step == 4 && ticket.request.Call != nil:
				ticket.Settle(told(ticket, rng.Int64N(500), rng.Int64N(100)))
				ticket.Settle(told(ticket, rng.Int64N(500), rng.Int64N(100)))
			case step == 5:
				ticket.Close()
			case step == 6:
				ticket.Close()
				recorded += ticket.Cost().Amount.Requests
				ticket.Reset()
			}
		}
		var open limit.Amount
		for i := range tickets {
			if tickets[i].IsOpen() {
				open = open.Plus(tickets[i].Granted())
			}
			recorded += tickets[i].Cost().Amount.Requests
		}
		want := fmt.Sprintf("tokens %d+%d, requests %d+%d, %d running", settled.used.Tokens(), open.Tokens(),
			settled.used.Requests+questions, open.Requests, open.Requests)
		if got := account(t, store, terms); got != want {
			t.Fatalf("the account has %s, want %s", got, want)
		}
		if want := settled.used.Requests + questions; recorded != want {
			t.Fatalf("the tickets say that they have cost %d requests, and the store has %d", recorded, want)
		}
	}
	for _, what := range []string{"admitted true", "admitted false", "backed true", "backed false", "dismissed"} {
		if seen[what] == 0 {
			t.Errorf("%q has not happened: %v", what, seen)
		}
	}
}

// counter is a Counter that answers as it is told.
type counter struct {
	n       int64
	reached bool
	err     error
	asked   int
}

func (c *counter) Count(context.Context, int64) (n int64, reached bool, err error) {
	c.asked++
	return c.n, c.reached, c.err
}

// TestQuestion: whether a request is admitted that a model server can be asked about, what
// it is charged, and what the question costs where it is not.
func TestQuestion(t *testing.T) {
	away := errors.New("away")
	text := strings.Repeat("word ", 100)
	for _, tt := range []struct {
		name     string
		tokens   int64 // the limit
		exact    bool
		counter  counter
		input    int64 // charged; 0: not admitted
		asked    int
		requests int64
		fails    string
	}{
		{"counted", 1000, true, counter{n: 170, reached: true}, 170, 1, 0, ""},
		{"not told", 1000, true, counter{reached: true}, -1, 1, 0, ""},
		{"nobody there", 1000, true, counter{err: away}, -1, 1, 0, ""},
		{"not wanted", 1000, false, counter{n: 170, reached: true}, -1, 0, 0, ""},
		{"estimated at too much, and less", 170, false, counter{n: 160, reached: true}, 160, 1, 0, ""},
		{"estimated at too much, and more", 170, false, counter{n: 190, reached: true}, 0, 1, 1, "the request needs at least 19"},
		{"estimated at too much, and not told", 170, false, counter{reached: true}, 0, 1, 1, "estimated"},
		{"estimated at too much, and nobody there", 170, false, counter{err: away}, 0, 1, 0, "away"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			store, terms := memory.New(memory.Options{}), model(t, "a", tt.tokens)
			terms.ExactInput = tt.exact
			r, err := request.Parse(wire.ChatCompletions, fmt.Appendf(nil, `{"model":"a","messages":[{"role":"user","content":%q}]}`, text+text[:250]), request.Options{})
			if err != nil {
				t.Fatal(err)
			}
			var ticket Ticket
			var seen witness
			ticket.Begin(Request{User: "alice", Terms: terms, Call: &r, Store: store, Counter: &tt.counter, Observer: &seen})
			if ticket.request.Terms.Pricer.Price("alice", &r).Input < 171 {
				t.Fatalf("the estimate is %d", ticket.request.Terms.Pricer.Price("alice", &r).Input)
			}
			err = errors.Join(ticket.Price(t.Context()), nil)
			if err == nil {
				err = ticket.Reserve(t.Context())
			}
			if (err != nil) != (tt.fails != "") || err != nil && !strings.Contains(err.Error(), tt.fails) {
				t.Fatalf("%v, want %q", err, tt.fails)
			}
			if got := ticket.Granted().Input; tt.counter.asked != tt.asked || tt.input > 0 && got != tt.input || tt.input < 0 && got < 171 || ticket.IsOpen() != (err == nil) {
				t.Errorf("asked %d times, and %d tokens of input are granted", tt.counter.asked, got)
			}
			if err != nil {
				if got, want := account(t, store, terms), fmt.Sprintf("tokens 0+0, requests %d+0, 0 running", tt.requests); got != want {
					t.Errorf("%s, want %s", got, want)
				}
				return
			}
			ticket.Settle(RequestOnly(false)) // it came to nothing
			if got, want := account(t, store, terms), map[bool]string{true: "requests 1+0", false: "requests 0+0"}[tt.counter.reached && tt.asked > 0]; !strings.Contains(got, want) {
				t.Errorf("%s, want %s", got, want)
			}
		})
	}
}
