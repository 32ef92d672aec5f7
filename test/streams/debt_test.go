package streams

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/apptest"
	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
)

// TestDebt drives one account into debt again and again, with streams whose
// tokens come at different times: the debt is what the counter says, admission is
// closed as long as it lasts, and opens in the slot in which it has slid out.
func TestDebt(t *testing.T) {
	const maximum = 200
	r := newRecorder()
	g := apptest.Start(t, apptest.Options{
		Limits: fmt.Sprintf("{max-tokens-per-minute: %d, default-output-tokens: 20}", maximum), Store: r,
	})
	random := rand.New(rand.NewPCG(4, 4))
	indebted, probes := 0, 0
	for round := range 12 {
		for i := 0; ; i++ {
			id := fmt.Sprintf("debt-%d-%d", round, i)
			// Most answers are longer than the limit: no price can foresee them.
			if !streamOverTime(t, g, r, id, 150+random.Int64N(250), random) {
				break
			}
		}
		sum := counting(r.log(), r.clock.Now())
		if used := g.Usage(t, "alice").Windows[0].Used; used != sum {
			t.Fatalf("the account says %d, the log %d", used, sum)
		}
		if sum > maximum {
			indebted++
		}
		probes += probe(t, g, r, maximum)
		r.clock.Advance(time.Minute + time.Second)
	}
	if got, want := int64(metric(t, g, "token_overrun_total")), r.debt(); got != want || want == 0 {
		t.Errorf("token_overrun_total is %d, the debt %d", got, want)
	}
	if indebted < 6 {
		t.Errorf("the account was in debt %d times of 12 only", indebted)
	}
	t.Logf("%d tokens of debt in 12 rounds, %d of them ended in debt; %d probes of admission", r.debt(), indebted, probes)
}

// streamOverTime reads a stream of n tokens, some of them a second or more after
// the ones before. It reports whether it was admitted.
func streamOverTime(t *testing.T, g *apptest.Gateway, r *recorder, id string, n int64, random *rand.Rand) bool {
	t.Helper()
	c := open(t, g.URL, chatPath, "alice", id, streamed(chatPath, ``, fmt.Sprintf(`"output_tokens":%d,"ack":true`, n)))
	defer c.Body.Close()
	if c.StatusCode == http.StatusTooManyRequests {
		return false
	}
	for done := false; !done; {
		event, err := c.next()
		if err != nil {
			t.Fatal(err)
		}
		if random.IntN(25) == 0 {
			r.clock.Advance(time.Duration(random.IntN(4000)) * time.Millisecond)
		}
		g.Mock.Ack(id)
		if strings.Contains(event, `"finish_reason":"`) {
			g.Mock.Ack(id)
		}
		done = strings.Contains(event, "[DONE]")
	}
	c.all(t)
	return true
}

// probe asks at both sides of every slot's edge whether a request is admitted,
// until one is, and compares with the log. It returns how often it asked.
func probe(t *testing.T, g *apptest.Gateway, r *recorder, maximum int64) (asked int) {
	t.Helper()
	ask := func() bool {
		asked++
		log := r.log()
		c := open(t, g.URL, chatPath, "alice", "", body(chatPath, ``, `"output_tokens":1`))
		answer := c.all(t)
		sum, need := counting(log, r.clock.Now()), r.lastNeed()
		admitted := c.StatusCode == http.StatusOK
		if fits := sum+need <= maximum; admitted != fits {
			t.Fatalf("%d and %d more of %d: the answer is %d: %s", sum, need, maximum, c.StatusCode, answer)
		}
		if sum >= maximum && c.StatusCode != http.StatusTooManyRequests {
			t.Fatalf("in debt, the answer is %d", c.StatusCode)
		}
		return admitted
	}
	for range 62 {
		edge := (r.clock.Now()/1000 + 1) * 1000
		r.clock.Advance((edge - 1).Sub(r.clock.Now()))
		if ask() {
			return asked
		}
		r.clock.Advance(time.Millisecond)
		if ask() {
			return asked
		}
	}
	t.Fatal("a minute later, nothing is admitted")
	return asked
}

// TestDebtIsBounded lets answers of every kind run far beyond their limit: they
// are stopped, properly, at the limit and the debt that is allowed. Beyond it is
// only the event that did not fit, which the client does not get.
func TestDebtIsBounded(t *testing.T) {
	for _, tt := range []struct {
		path, more string
		maximum    int64
		maxDebt    float64
		withheld   int64 // tokens that one event may have
	}{
		{chatPath, ``, 100, 0.5, 1},
		{chatPath, `,"n":3`, 100, 0.25, 1},
		{chatPath, `,"stream_options":{"include_usage":true}`, 100, 0, 1},
		{completionsPath, `,"max_tokens":3000`, 100, 1, 1},
		{messagesPath, ``, 200, 0.5, 20},
		{responsesPath, ``, 200, 0.5, 20},
	} {
		name := fmt.Sprintf("%s%s max-debt %v", tt.path, tt.more, tt.maxDebt)
		t.Run(name, func(t *testing.T) {
			r := newRecorder()
			g := apptest.Start(t, apptest.Options{
				Limits: fmt.Sprintf("{max-tokens-per-minute: %d, max-debt: %v, default-output-tokens: 20}", tt.maximum, tt.maxDebt), Store: r,
			})
			c := open(t, g.URL, tt.path, "alice", "bounded", streamed(tt.path, tt.more, `"output_tokens":2000`))
			stream := c.all(t)
			idle(t, g)
			checkStopped(t, tt.path, tt.more, stream)
			debt, bound := r.debt(), int64(float64(tt.maximum)*tt.maxDebt)
			used := g.Usage(t, "alice").Windows[0].Used
			if debt != max(0, used-tt.maximum) || debt > bound+tt.withheld {
				t.Errorf("%d are used of %d, the debt is %d of %d", used, tt.maximum, debt, bound)
			}
			granted := r.granted("alice").Tokens()
			if granted > tt.maximum+bound || granted < tt.maximum+bound-debtSlack(tt.path) {
				t.Errorf("%d were charged before settling, and %d may be", granted, tt.maximum+bound)
			}
			if got := int64(metric(t, g, "token_overrun_total")); got != debt {
				t.Errorf("token_overrun_total is %d, the debt %d", got, debt)
			}
			if c := open(t, g.URL, chatPath, "alice", "", body(chatPath, ``, ``)); c.StatusCode != http.StatusTooManyRequests {
				t.Errorf("in debt, the answer is %d", c.StatusCode)
			}
		})
	}
}

// debtSlack is how far below the bound a stop may come: the estimate of a text
// whose usage is not told may rise by several tokens at once.
func debtSlack(path string) int64 {
	if takesOptions(path) {
		return 0
	}
	return 20
}

// TestDebtOfManyStreams lets streams compete for one account under debt: the
// counter is exact, and what is charged before settling stays within the bound.
func TestDebtOfManyStreams(t *testing.T) {
	const streams, maximum = 24, 1000
	r := newRecorder()
	g := apptest.Start(t, apptest.Options{
		Limits: fmt.Sprintf("{max-tokens-per-minute: %d, max-debt: 0.5, default-output-tokens: 20}", maximum), Store: r,
	})
	client := newClient(t)
	var all sync.WaitGroup
	var served atomic.Int64
	for i := range streams {
		all.Go(func() {
			b := streamed(chatPath, ``, fmt.Sprintf(`"output_tokens":%d,"token_ms":1`, 100+8*i))
			c, err := send(t.Context(), client, g.URL, chatPath, "alice", "", b)
			if err != nil {
				t.Error(err)
				return
			}
			defer c.Body.Close()
			stream := c.all(t)
			if c.StatusCode == http.StatusTooManyRequests {
				return
			}
			served.Add(1)
			if c.StatusCode != http.StatusOK || !strings.Contains(stream, "[DONE]") {
				t.Errorf("the answer is %d: %s", c.StatusCode, stream)
			}
		})
	}
	all.Wait()
	idle(t, g)
	if n := served.Load(); n < streams/4 {
		t.Errorf("%d streams of %d were served", n, streams)
	}
	used := g.Usage(t, "alice").Windows[0].Used
	if sum := counting(r.log(), r.clock.Now()); used != sum || used > maximum*3/2+streams {
		t.Errorf("%d are used, %d by the log, and %d and an event of each may be", used, sum, maximum*3/2)
	}
	if got, want := int64(metric(t, g, "token_overrun_total")), r.debt(); got != want || got < used-maximum {
		t.Errorf("token_overrun_total is %d, the debt %d; %d are used of %d", got, want, used, maximum)
	}
	total := g.Ledger.Sum(apptest.Model, "")
	t.Logf("%d used of %d (the ledger says %d), debt %d", used, maximum, total.Input+total.Output, r.debt())
}

var _ limit.Store = (*recorder)(nil)

// TestRefusedAhead: where the limits have no room for what is about to be generated, they
// are not asked for it again at every event.
func TestRefusedAhead(t *testing.T) {
	r := newRecorder()
	g := apptest.Start(t, apptest.Options{
		Limits: "{max-tokens-per-minute: 100, default-output-tokens: 20, max-debt: 10}", Store: r,
	})
	start := time.Now()
	status, _, answer := g.Post(t, chatPath, "alice", streamed(chatPath, ``, `"output_tokens":500,"token_ms":3`))
	most := 1 + int(time.Since(start)/time.Second)
	r.mu.Lock()
	defer r.mu.Unlock()
	if status != http.StatusOK || r.vain == 0 || r.vain > most {
		t.Errorf("%d %.200s: asked %d times in vain, want once a second, %d at the most", status, answer, r.vain, most)
	}
}
