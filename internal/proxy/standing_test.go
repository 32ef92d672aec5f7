package proxy

import (
	"fmt"
	"math/rand/v2"
	"net/http"
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
		o := limit.PolicyOptions{Model: "m", User: randomLimits(r), Total: randomLimits(r), OutageReserve: r.Float64() / 2}
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
	for kind, meter := range map[string]limit.Meter{"Tokens": limit.Tokens, "Requests": limit.Requests} {
		if i := scarcest(rules, d, meter); i >= 0 {
			h["X-Ratelimit-Limit-"+kind] = []string{fmt.Sprint(rules[i].Max)}
			h["X-Ratelimit-Remaining-"+kind] = []string{fmt.Sprint(d.Standings[i].Remaining(&rules[i]))}
			h["X-Ratelimit-Reset-"+kind] = []string{d.Standings[i].Reset.Round(time.Millisecond).String()}
		}
	}
	return h
}
