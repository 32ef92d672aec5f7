package books

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/internal/admin"
	"github.com/token-rate-limiter/token-rate-limiter/internal/apptest"
)

// audit compares the books of a gateway with the ledger.
type audit struct {
	gateway *apptest.Gateway
	visits  []visit
	charges map[string]charge // by request id
}

// evidence gathers what is known of a visit.
func (a *audit) evidence(v *visit) *evidence {
	e := &evidence{visit: v, charge: a.charges[v.id], attempts: a.gateway.Ledger.Attempts(v.id)}
	if n := len(e.attempts); n > 0 {
		e.spent = e.attempts[n-1]
	}
	return e
}

// shown is how many errors of a kind are shown.
const shown = 12

// mix checks that the plan has at least five of a hundred of everything.
func (a *audit) mix(t *testing.T) {
	counts := map[string]int{}
	for i := range a.visits {
		for _, name := range a.visits[i].order.traits() {
			counts[name]++
		}
		counts["denied"] += len(a.visits[i].denied)
	}
	for _, name := range traits {
		t.Logf("%5d %s", counts[name], name)
		if counts[name] < len(a.visits)/20 {
			t.Errorf("only %d of %d requests are of the kind %q", counts[name], len(a.visits), name)
		}
	}
	t.Logf("%5d denials", counts["denied"])
	if counts["denied"] == 0 {
		t.Error("no request was denied")
	}
}

// traits are what the mix must have enough of.
var traits = []string{
	"JSON", "stream", "three choices", "two prompts", "responses", "messages", "split",
	completes.String(), withoutUsage.String(), leavesEarly.String(), leavesStream.String(), leavesAnswer.String(),
	breaks.String(), refused.String(), failed.String(), tried.String(),
}

func (o *order) traits() []string {
	list := []string{o.fate.String(), o.endpoint.String(), "JSON"}
	if o.stream {
		list[2] = "stream"
	}
	if o.choices == 3 {
		list = append(list, "three choices")
	}
	if o.prompts == 2 {
		list = append(list, "two prompts")
	}
	if o.split > 0 {
		list = append(list, "split")
	}
	return list
}

// requests judges every request by itself, and every denial.
func (a *audit) requests(t *testing.T) {
	var wrong [fates]int
	retried := 0
	for i := range a.visits {
		e := a.evidence(&a.visits[i])
		if _, err := judges[e.order.fate](e); err != nil {
			if wrong[e.order.fate]++; wrong[e.order.fate] <= shown {
				t.Error(err)
			}
		}
		if len(e.attempts) > 1 {
			retried++
		}
		for _, id := range e.denied {
			if c := a.charges[id]; c.Input != 0 || c.Output != 0 || len(a.gateway.Ledger.Attempts(id)) > 0 {
				t.Errorf("%s was denied, and charged %v", id, c)
			}
		}
	}
	for f, n := range wrong {
		if n > 0 {
			t.Errorf("%d are wrong of those where the fate is %q", n, fate(f))
		}
	}
	t.Logf("%d requests were sent twice, for a closed connection", retried)
	if retried == 0 {
		t.Error("no request was sent twice")
	}
}

// abandonedError is how far charges for abandoned JSON answers may be off the
// ledger in the mean, as a part of it.
const abandonedError = 0.20

// abandoned judges the charges for abandoned JSON answers together.
func (a *audit) abandoned(t *testing.T) {
	var all errorMean
	var off, generated int64
	for i := range a.visits {
		e := a.evidence(&a.visits[i])
		if e.order.fate == leavesAnswer || e.order.fate == breaks && !e.order.stream {
			all.add(e.charge.Input+e.charge.Output, e.spent.Input+e.spent.Output)
			off += abs(e.charge.Output - e.spent.Output)
			generated += e.spent.Output
		}
	}
	t.Logf("abandoned JSON answers are off by %v, their output by %.1f %% of all of it", &all, 100*float64(off)/float64(max(1, generated)))
	if all.n == 0 || all.mean() > abandonedError {
		t.Errorf("more than %v in the mean", abandonedError)
	}
}

// belowShare is how many of the estimated inputs may be below the true ones.
const belowShare = 0.10

// inputs judges the inputs that were charged by their price together: there are
// few that are too low, and in sum they are not.
func (a *audit) inputs(t *testing.T) {
	var all errorMean
	below, sum, worst := 0, int64(0), int64(0)
	for i := range a.visits {
		e := a.evidence(&a.visits[i])
		if !e.charge.Estimated || e.spent.Input == 0 || e.charge.Input == e.spent.Input {
			continue
		}
		all.add(e.charge.Input, e.spent.Input)
		sum += e.charge.Input - e.spent.Input
		if e.charge.Input < e.spent.Input {
			below++
			worst = max(worst, e.spent.Input-e.charge.Input)
		}
	}
	t.Logf("estimated inputs are off by %v; %d are too low, by at most %d tokens", &all, below, worst)
	if all.n == 0 || sum < 0 || float64(below) > belowShare*float64(all.n) {
		t.Errorf("%d are too low, %d tokens in sum", below, sum)
	}
}

// textError is how far charges for answers without usage may be off in the mean.
const textError = 0.20

// texts judges the charges for answers without usage together.
func (a *audit) texts(t *testing.T) {
	var output errorMean
	for i := range a.visits {
		if e := a.evidence(&a.visits[i]); e.order.fate == withoutUsage {
			output.add(e.charge.Output, e.spent.Output)
		}
	}
	t.Logf("without usage, the output is off by %v", &output)
	if output.n == 0 || output.mean() > textError {
		t.Errorf("more than %v in the mean", textError)
	}
}

// errorMean is the mean of relative errors.
type errorMean struct {
	n                int
	sum, bias, worst float64
}

func (m *errorMean) add(estimate, truth int64) {
	off := float64(estimate-truth) / max(1, float64(truth))
	m.n++
	m.bias += off
	m.sum += math.Abs(off)
	m.worst = max(m.worst, math.Abs(off))
}

func (m *errorMean) mean() float64 { return m.sum / max(1, float64(m.n)) }

func (m *errorMean) String() string {
	return fmt.Sprintf("%.1f %% (%+.1f %% signed, %.0f %% at worst, of %d)", 100*m.mean(), 100*m.bias/max(1, float64(m.n)), 100*m.worst, m.n)
}

// total is what an account should say.
type total struct{ input, output, requests int64 }

func (t *total) add(o total) {
	t.input, t.output, t.requests = t.input+o.input, t.output+o.output, t.requests+o.requests
}

func (t total) of(meter string) int64 {
	return map[string]int64{
		"tokens": t.input + t.output, "input_tokens": t.input, "output_tokens": t.output, "requests": t.requests,
	}[meter]
}

// totals adds up what was logged, by user, and of all under "".
func (a *audit) totals() map[string]total {
	sums := map[string]total{}
	for i := range a.visits {
		e := a.evidence(&a.visits[i])
		n, _ := judges[e.order.fate](e)
		for _, user := range []string{"", e.order.user} {
			sum := sums[user]
			sum.add(total{e.charge.Input, e.charge.Output, n})
			sums[user] = sum
		}
	}
	return sums
}

// accounts compares what the accounts say with what was logged, and checks that
// nothing is held any more.
func (a *audit) accounts(t *testing.T) {
	sums := a.totals()
	ledger := a.gateway.Ledger.Sum(apptest.Model, "")
	t.Logf("charged %d+%d tokens for %d requests; the ledger has %d+%d", sums[""].input, sums[""].output, sums[""].requests, ledger.Input, ledger.Output)
	for u := range users {
		user := fmt.Sprintf("user-%d", u)
		usage := a.gateway.Usage(t, user)
		if len(usage.Windows) != 8 || len(usage.Concurrency) != 2 {
			t.Fatalf("%d windows and %d gauges are limited", len(usage.Windows), len(usage.Concurrency))
		}
		for _, w := range usage.Windows {
			who := user
			if w.Scope == "model" {
				who = ""
			}
			checkWindow(t, who, w, sums[who].of(w.Meter))
		}
		for _, g := range usage.Concurrency {
			if g.Running != 0 {
				t.Errorf("%s: %d requests of the scope %s are running still", user, g.Running, g.Scope)
			}
		}
	}
}

func checkWindow(t *testing.T, who string, w admin.WindowUsage, want int64) {
	t.Helper()
	if w.Limit == nil || w.Remaining == nil {
		t.Errorf("%q has no limit of %s in a %s", who, w.Meter, w.Window)
		return
	}
	if w.Used != want || w.Reserved != 0 || *w.Remaining != *w.Limit-want {
		t.Errorf("%q, %s of a %s: used %d, reserved %d, remaining %d of %d; want %d used",
			who, w.Meter, w.Window, w.Used, w.Reserved, *w.Remaining, *w.Limit, want)
	}
}

// metrics compares the counters with what was logged.
func (a *audit) metrics(t *testing.T) {
	text := a.gateway.Get(t, "/actuator/prometheus")
	sum := a.totals()[""]
	for series, want := range map[string]int64{
		`token_usage_total{model="llama2-7b",type="input"}`:  sum.input,
		`token_usage_total{model="llama2-7b",type="output"}`: sum.output,
		`token_concurrent_requests{model="llama2-7b"}`:       0,
	} {
		if got, ok := metric(text, series); !ok || got != float64(want) {
			t.Errorf("%s is %v, want %d", series, got, want)
		}
	}
}

// metric returns the value of a series in Prometheus' text format.
func metric(text, series string) (v float64, ok bool) {
	for line := range strings.Lines(text) {
		if value, is := strings.CutPrefix(line, series+" "); is {
			_, err := fmt.Sscan(value, &v)
			return v, err == nil
		}
	}
	return 0, false
}
