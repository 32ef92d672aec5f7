package admission

import (
	"container/heap"
	"encoding/csv"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
	"github.com/token-rate-limiter/token-rate-limiter/internal/limit/limittest"
	"github.com/token-rate-limiter/token-rate-limiter/internal/store/memory"
	"github.com/token-rate-limiter/token-rate-limiter/internal/usage"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/request"
)

// TestUtilisation replays a public trace against one account that admits about
// half of it, and compares the tokens served with those that an oracle serves
// who knows every length beforehand. Denied requests do not come back.
func TestUtilisation(t *testing.T) {
	trace := readTrace(t)
	for _, share := range []float64{0.3, 0.5, 0.8} {
		var demand int64
		for _, r := range trace {
			demand += r.input + r.output
		}
		minutes := trace[len(trace)-1].at.Minutes()
		maximum := int64(share * float64(demand) / minutes)
		oracle := replay(t, trace, maximum, true)
		learned := replay(t, trace, maximum, false)
		ratio := float64(learned.tokens) / float64(oracle.tokens)
		t.Logf("%.0f %% of the demand admitted: %d of %d tokens (%.3f), %d requests of %d, debt %d",
			100*share, learned.tokens, oracle.tokens, ratio, learned.served, len(trace), learned.debt)
		if ratio < 0.97 {
			t.Errorf("at %.0f %% of the demand the throughput is %.3f of the oracle's", 100*share, ratio)
		}
	}
}

// traced is a request of a trace.
type traced struct {
	at            time.Duration // after the first
	input, output int64         // tokens
}

func readTrace(t *testing.T) []traced {
	t.Helper()
	f, err := os.Open("../../testdata/azure-llm-2023-conv.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var trace []traced
	var first time.Time
	for i, row := range rows[1:] {
		at, err := time.Parse("2006-01-02 15:04:05.9999999", row[0])
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			first = at
		}
		input, err1 := strconv.ParseInt(row[1], 10, 64)
		output, err2 := strconv.ParseInt(row[2], 10, 64)
		if err1 != nil || err2 != nil {
			t.Fatalf("row %d: %v", i, row)
		}
		trace = append(trace, traced{at.Sub(first), input, output})
	}
	return trace
}

// outcome is what a replay has come to.
type outcome struct {
	tokens, debt int64
	served       int
}

// The model server of the replay: how long a stream takes to begin, and how
// fast it is.
const (
	replayFirst = 500 * time.Millisecond
	replayPace  = 30 // tokens a second
)

// stream is a running request of a replay.
type stream struct {
	traced
	began   time.Duration // of its first token
	grant   limit.Grant
	request request.Request
	refused bool
}

// next is the moment at which a stream wants attention.
type next struct {
	at time.Duration
	s  *stream
}

type agenda []next

func (a agenda) Len() int           { return len(a) }
func (a agenda) Less(i, j int) bool { return a[i].at < a[j].at }
func (a agenda) Swap(i, j int)      { a[i], a[j] = a[j], a[i] }
func (a *agenda) Push(v any)        { *a = append(*a, v.(next)) }
func (a *agenda) Pop() any {
	old := *a
	last := old[len(old)-1]
	*a = old[:len(old)-1]
	return last
}

// player replays a trace.
type player struct {
	t      *testing.T
	clock  *limittest.Clock
	store  *memory.Store
	policy *limit.Policy
	pricer *usage.Pricer
	agenda agenda
	out    outcome
}

// replay runs the trace; an oracle reserves what each request will use.
func replay(t *testing.T, trace []traced, maximum int64, oracle bool) outcome {
	clock := limittest.NewClock()
	p := &player{
		t: t, clock: clock, store: memory.New(memory.Options{Now: clock.Now}),
		policy: limittest.Policy(t, limit.PolicyOptions{
			User: []limit.Limit{{Meter: limit.Tokens, Window: limit.Minute, Max: maximum}}, MaxDebt: 1,
		}),
		pricer: usage.NewPricer(usage.Options{}),
	}
	for _, r := range trace {
		p.attend(r.at)
		p.arrive(r, oracle)
	}
	p.attend(trace[len(trace)-1].at + time.Hour)
	return p.out
}

func (p *player) arrive(r traced, oracle bool) {
	p.clock.Set(r.at)
	s := &stream{traced: r, began: r.at + replayFirst, refused: oracle}
	s.request = request.Request{Endpoint: wire.ChatCompletions, Stream: true, Sequences: 1, Choices: 1, Prompts: 1, Content: request.Content{TokenIDs: r.input}}
	need := limit.Amount{Input: r.input, Output: r.output, Requests: 1}
	if !oracle {
		need.Output = p.pricer.Price("u", &s.request).Output
	}
	var d limit.Decision
	if err := p.store.Reserve(p.t.Context(), p.policy, "u", need, &s.grant, &d); err != nil {
		p.t.Fatal(err)
	}
	if d.Admitted {
		heap.Push(&p.agenda, next{min(s.began+time.Second/4, s.end()), s})
	}
}

func (s *stream) end() time.Duration {
	return s.began + time.Duration(s.output)*time.Second/replayPace
}

// attend does what the running streams want until the moment given.
func (p *player) attend(until time.Duration) {
	for len(p.agenda) > 0 && p.agenda[0].at <= until {
		n := heap.Pop(&p.agenda).(next)
		p.clock.Set(n.at)
		if n.at >= n.s.end() {
			p.finish(n.s)
			continue
		}
		p.topUp(n.s, n.at)
		heap.Push(&p.agenda, next{min(n.at+time.Second/4, n.s.end()), n.s})
	}
}

// topUp does what a stream does at an event.
func (p *player) topUp(s *stream, at time.Duration) {
	used := min(s.output, int64((at-s.began).Seconds()*replayPace))
	granted := s.grant.Granted().Output
	if used > granted {
		p.charge(s, used-granted+debtStep, limit.WithinDebt)
	} else if n := ahead(used, granted, 0, at-s.began); n > 0 && !s.refused {
		s.refused = !p.charge(s, n, limit.WithinLimits)
	}
}

func (p *player) charge(s *stream, n int64, b limit.Bound) bool {
	got, err := p.store.TopUp(p.t.Context(), &s.grant, limit.Amount{Output: n}, b)
	if err != nil {
		p.t.Fatal(err)
	}
	p.out.debt += got.Debt
	return got.Granted
}

func (p *player) finish(s *stream) {
	used := limit.Amount{Input: s.input, Output: s.output, Requests: 1}
	p.store.Settle(&s.grant, used)
	p.out.tokens += used.Tokens()
	p.out.served++
	p.pricer.Learn("u", &s.request, wire.Usage{Input: s.input, Output: s.output}, true)
}
