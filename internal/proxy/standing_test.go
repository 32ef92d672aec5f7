package proxy

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/token-rate-limiter/token-rate-limiter/internal/catalog"
	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
)

// TestStanding compares the fields with what is made of every rule and its standing
// alone.
func TestStanding(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var buffer []byte
	for range 2000 {
		o := limit.PolicyOptions{Model: "m", User: randomLimits(r), Total: randomLimits(r), Overrun: limit.Overrun(r.IntN(2))}
		p, err := limit.NewPolicy(o)
		if err != nil {
			t.Fatal(err)
		}
		m := &catalog.Model{Name: "m", Policy: p}
		catalog.New([]*catalog.Model{m})
		var d limit.Decision
		for _, rule := range p.Rules() {
			reset := min(time.Duration(r.Int64N(int64(time.Second)<<r.IntN(18))), rule.Window.Length()) // to the nanosecond
			d.Standings = append(d.Standings, limit.Standing{Used: r.Int64N(rule.Max + rule.Max/8 + 1), Reset: reset})
		}
		got := make(http.Header)
		buffer = writeStanding(got, m, &d, buffer)
		if diff := cmp.Diff(standingOf(p.Rules(), &d), got); diff != "" {
			t.Fatalf("%+v: -want +got:\n%s", o, diff)
		}
		if len(buffer) > 0 {
			t.Fatalf("the buffer comes back with %q", buffer)
		}
	}
}

// TestAnthropicStanding compares Anthropic's fields with what is made of every rule and
// its standing alone.
func TestAnthropicStanding(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	now := time.Date(2026, 11, 30, 23, 59, 58, 1, time.FixedZone("KST", 9*3600))
	for range 500 {
		p, err := limit.NewPolicy(limit.PolicyOptions{Model: "m", User: randomLimits(r), Total: randomLimits(r)})
		if err != nil {
			t.Fatal(err)
		}
		m := &catalog.Model{Name: "m", Policy: p}
		catalog.New([]*catalog.Model{m})
		var d limit.Decision
		for _, rule := range p.Rules() {
			d.Standings = append(d.Standings, limit.Standing{Used: r.Int64N(rule.Max + 1), Reset: time.Duration(r.Int64N(int64(rule.Window.Length())))})
		}
		got, want := make(http.Header), make(http.Header)
		writeAnthropicStanding(got, m, &d, now, nil)
		for kind, meters := range map[string][]limit.Meter{
			"Requests": {limit.Requests}, "Input-Tokens": {limit.InputTokens}, "Output-Tokens": {limit.OutputTokens},
			"Tokens": {limit.Tokens, limit.InputTokens, limit.OutputTokens},
		} {
			best, least := -1, 2.0
			for i := range p.Rules() {
				rule := &p.Rules()[i]
				share := float64(d.Standings[i].Remaining(rule)) / float64(max(1, rule.Admissible))
				if slices.Contains(meters, rule.Meter) && share < least {
					best, least = i, share
				}
			}
			if best < 0 {
				continue
			}
			whole := now.Add(d.Standings[best].Reset)
			if cut := whole.Truncate(time.Second); cut.Before(whole) {
				whole = cut.Add(time.Second)
			}
			want["Anthropic-Ratelimit-"+kind+"-Limit"] = []string{fmt.Sprint(p.Rules()[best].Max)}
			want["Anthropic-Ratelimit-"+kind+"-Remaining"] = []string{fmt.Sprint(d.Standings[best].Remaining(&p.Rules()[best]))}
			want["Anthropic-Ratelimit-"+kind+"-Reset"] = []string{whole.UTC().Format(time.RFC3339)}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("%+v: -want +got:\n%s", p.Rules(), diff)
		}
	}
}

// randomLimits returns some limits, perhaps none.
func randomLimits(r *rand.Rand) (list []limit.Limit) {
	for meter := limit.Tokens; meter <= limit.Requests; meter++ {
		for window := limit.Minute; window <= limit.Day; window++ {
			if r.IntN(4) == 0 {
				list = append(list, limit.Limit{Meter: meter, Window: window, Max: r.Int64N(1 << r.IntN(52))})
			}
		}
	}
	return list
}

// standingOf says the same as writeStanding, field by field.
func standingOf(rules []limit.Rule, d *limit.Decision) http.Header {
	h := make(http.Header)
	var policy, standing []string
	const most = 999_999_999_999_999 // RFC 9651, section 3.3.1
	for i := range rules {
		r, s := &rules[i], d.Standings[i]
		name := `"` + r.Scope.String() + "-" + r.Meter.String() + "-" + r.Window.String() + `"`
		policy = append(policy, fmt.Sprintf("%s;q=%d;w=%.0f", name, min(r.Max, most), r.Window.Length().Seconds()))
		standing = append(standing, fmt.Sprintf("%s;r=%d;t=%d", name, min(s.Remaining(r), most), (s.Reset+time.Second-1)/time.Second))
	}
	if len(rules) > 0 {
		h["Ratelimit-Policy"], h["Ratelimit"] = []string{strings.Join(policy, ", ")}, []string{strings.Join(standing, ", ")}
	}
	for kind, meters := range map[string]meterSet{"Tokens": tokenMeters, "Requests": requestMeter} {
		if i := scarcest(rules, d, meters); i >= 0 {
			h["X-Ratelimit-Limit-"+kind] = []string{fmt.Sprint(rules[i].Max)}
			h["X-Ratelimit-Remaining-"+kind] = []string{fmt.Sprint(d.Standings[i].Remaining(&rules[i]))}
			h["X-Ratelimit-Reset-"+kind] = []string{d.Standings[i].Reset.Round(time.Millisecond).String()}
		}
	}
	return h
}
