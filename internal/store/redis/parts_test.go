package redis

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
	"github.com/token-rate-limiter/token-rate-limiter/internal/limit/limittest"
)

func TestPending(t *testing.T) {
	var p pending
	if got := p.lowest(); got != 1 {
		t.Errorf("at first the lowest is %d, want 1", got)
	}
	for range 4 {
		p.begin()
	}
	for _, step := range []struct{ end, lowest uint64 }{{3, 1}, {1, 2}, {1, 2}, {2, 4}, {4, 5}, {2, 5}} {
		p.end(step.end)
		if got := p.lowest(); got != step.lowest {
			t.Errorf("after the end of %d the lowest is %d, want %d", step.end, got, step.lowest)
		}
	}
	if got := p.begin(); got != 5 {
		t.Errorf("the next is %d, want 5", got)
	}
}

func TestPendingOfMany(t *testing.T) {
	var p pending
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 1000 {
				n := p.begin()
				if low := p.lowest(); low > n {
					t.Errorf("%d is pending, and the lowest is %d", n, low)
				}
				p.end(n)
			}
		})
	}
	wg.Wait()
	if got := p.lowest(); got != 8001 {
		t.Errorf("the lowest is %d, want 8001", got)
	}
}

func TestGate(t *testing.T) {
	g := newGate()
	if g.isOpen() {
		t.Error("it begins open")
	}
	<-g.closed
	opening := g.opening()
	g.open()
	g.open()
	<-opening
	<-g.opening()
	for _, fail := range []bool{true, true, false, true, true} {
		if fail {
			begun := time.Now()
			for range 5 { // together
				g.failed(begun)
			}
		} else {
			g.succeeded()
		}
	}
	if !g.isOpen() {
		t.Error("it closed without three failures in a row")
	}
	g.failed(time.Now())
	g.failed(time.Now())
	if g.isOpen() {
		t.Error("it is open after three failures in a row")
	}
	<-g.closed
	g.open()
	g.failed(time.Now())
	if !g.isOpen() {
		t.Error("what failed before it was closed counts still")
	}
}

func TestKeys(t *testing.T) {
	for model, tag := range map[string]string{
		"llama2-7b":    "{llama2-7b}",
		"meta/llama:7": "{meta/llama:7}",
		"}{":           "{%7D%7B}",
		"a%7Db":        "{a%257Db}",
		"a}b":          "{a%7Db}",
	} {
		total := modelKey(model)
		for _, key := range []string{replicasKey(model), total, userKey(total, "u"), userKey(total, "{u}")} {
			if i := strings.IndexByte(key, '{'); key[i:i+strings.IndexByte(key[i:], '}')+1] != tag {
				t.Errorf("the hash tag of %s is not %s", key, tag)
			}
		}
		if userKey(total, "") == total {
			t.Errorf("the account of the user without a name is the model's: %s", total)
		}
	}
}

func TestOptions(t *testing.T) {
	if _, err := New(t.Context(), Options{}); err == nil || !strings.Contains(err.Error(), "no address is given") {
		t.Errorf("without an address: %v", err)
	}
	a, err := Options{Address: "127.0.0.1:1"}.withDefaults()
	if err != nil || a.replica == "" || a.Timeout != DefaultTimeout {
		t.Errorf("the defaults are %+v, %v", a, err)
	}
	for name, set := range map[string]bool{
		"Observe": a.Observe != nil, "Restored": a.Restored != nil, "Forgone": a.Forgone != nil, "Stepped": a.Stepped != nil,
	} {
		if !set {
			t.Errorf("%s is missing", name)
		}
	}
	if b, _ := (Options{Address: "127.0.0.1:1"}).withDefaults(); a.replica == b.replica {
		t.Errorf("two replicas are called %s", a.replica)
	}
}

func TestUnite(t *testing.T) {
	for _, c := range [][3]string{{"", "", ""}, {"tm", "", "tm"}, {"", "tmth", "tmth"}, {"tmth", "thim", "tmthim"}, {"tmth", "tm", "tmth"}} {
		if got := unite(c[0], c[1]); got != c[2] {
			t.Errorf("unite(%q, %q) is %q, want %q", c[0], c[1], got, c[2])
		}
	}
}

// TestLimitsChangeInOneBatch settles grants of two policies of the same user
// in one batch, on accounts that the server has lost: every ring is charged.
func TestLimitsChangeInOneBatch(t *testing.T) {
	s := open(t, Options{Now: limittest.NewClock().Now, Timeout: patient})
	limits := func(m limit.Meter) *limit.Policy {
		return limittest.Policy(t, limit.PolicyOptions{User: []limit.Limit{{Meter: m, Window: limit.Minute, Max: 1000}}})
	}
	first, second := limits(limit.Tokens), limits(limit.OutputTokens)
	a, b := mustReserve(t, s, first, "u", output(10)), mustReserve(t, s, second, "u", output(10))
	if err := shared.FlushAll(); err != nil {
		t.Fatal(err)
	}
	sent(t, s, s.model("llama2-7b"), 1, 1, settlement(a, output(15)), settlement(b, output(17)))
	mustStand(t, s, first, "u", standing{12, 0, 0})
	mustStand(t, s, second, "u", standing{12, 0, 0})
}
