package limit

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func tokens(w Window, n int64) []Limit { return []Limit{{Tokens, w, n}} }

func TestAdmissibleMaximum(t *testing.T) {
	for _, c := range []struct {
		name                string
		options             PolicyOptions
		admissible, ceiling int64
	}{
		{"debt", PolicyOptions{User: tokens(Minute, 1000), MaxDebt: 1}, 1000, 2000},
		{"no debt", PolicyOptions{User: tokens(Minute, 1000)}, 1000, 1000},
		{"stop keeps 1 % back", PolicyOptions{User: tokens(Minute, 1000), Overrun: Stop, MaxDebt: 1}, 990, 990},
		{"rounded down", PolicyOptions{User: tokens(Minute, 150), Overrun: Stop}, 148, 148},
		{"half a debt", PolicyOptions{User: tokens(Minute, 1000), MaxDebt: 0.5}, 1000, 1500},
		{"requests do not overrun", PolicyOptions{User: []Limit{{Requests, Minute, 10}}, Overrun: Stop}, 10, 10},
		{"a hundred lose one", PolicyOptions{User: tokens(Minute, 100), Overrun: Stop}, 99, 99},
		{"one more loses two", PolicyOptions{User: tokens(Minute, 101), Overrun: Stop}, 99, 99},
		{"all that can be counted", PolicyOptions{User: tokens(Minute, MaximumMax)}, MaximumMax, MaximumMax},
	} {
		c.options.Model = "m"
		p, err := NewPolicy(c.options)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if r := p.Rules()[0]; r.Admissible != c.admissible || r.Ceiling != c.ceiling {
			t.Errorf("%s: admissible %d, ceiling %d; want %d, %d", c.name, r.Admissible, r.Ceiling, c.admissible, c.ceiling)
		}
	}
}

func TestNewPolicyRefuses(t *testing.T) {
	for want, o := range map[string]PolicyOptions{
		"has no name":                        {},
		"max-debt is 100.5":                  {Model: "m", MaxDebt: 100.5},
		"max-debt is NaN":                    {Model: "m", MaxDebt: math.NaN()},
		"maximum of requests per day is -2":  {Model: "m", User: tokens(Day, 1), Total: []Limit{{Requests, Day, -2}}},
		"per minute is -1":                   {Model: "m", User: tokens(Minute, -1)},
		"tokens per hour is limited twice":   {Model: "m", Total: append(tokens(Hour, 1), tokens(Hour, 2)...)},
		"max-debt is -1":                     {Model: "m", MaxDebt: -1},
		"must be from 0 to 2251799813685248": {Model: "m", User: tokens(Day, MaximumMax+1)},
	} {
		if _, err := NewPolicy(o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", o, err, want)
		}
	}
}

// TestNewPolicyTakes: what is at the edge of what is allowed is allowed.
func TestNewPolicyTakes(t *testing.T) {
	for name, o := range map[string]PolicyOptions{
		"the greatest debt":                {MaxDebt: 100},
		"no debt":                          {MaxDebt: 0},
		"maxima of 0 and the greatest":     {User: append(tokens(Minute, 0), tokens(Hour, MaximumMax)...)},
		"one meter and window per scope":   {User: tokens(Minute, 1), Total: tokens(Minute, 1)},
		"two meters of a window":           {User: []Limit{{InputTokens, Minute, 1}, {OutputTokens, Minute, 1}}},
		"two windows of a meter, as given": {Total: append(tokens(Day, 1), tokens(Hour, 1)...)},
	} {
		o.Model = "m"
		if _, err := NewPolicy(o); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestRulesHaveAnOrder: the rules of users come first, and those of a scope by meter and
// window, whatever the order in which the limits were given.
func TestRulesHaveAnOrder(t *testing.T) {
	given := []Limit{{Requests, Day, 1}, {Tokens, Hour, 2}, {OutputTokens, Minute, 3}, {Tokens, Minute, 4}}
	p, err := NewPolicy(PolicyOptions{Model: "m", User: given, Total: given})
	if err != nil {
		t.Fatal(err)
	}
	var got []Limit
	for i, r := range p.Rules() {
		got = append(got, r.Limit)
		if user := i < len(given); (r.Scope == UserScope) != user {
			t.Errorf("rule %d is of the %s", i, r.Scope)
		}
	}
	once := []Limit{{Tokens, Minute, 4}, {Tokens, Hour, 2}, {OutputTokens, Minute, 3}, {Requests, Day, 1}}
	if diff := cmp.Diff(append(once, once...), got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if given[0].Meter != Requests {
		t.Error("the limits that were given are in another order now")
	}
}

// TestUsersAreCountedWithoutLimits: where no window limits users, what they use is counted,
// and no rule says so; where one does, nothing else is counted of them.
func TestUsersAreCountedWithoutLimits(t *testing.T) {
	for name, tt := range map[string]struct {
		user, total    []Limit
		rules, counted int
		only           bool
	}{
		"nothing is limited":     {nil, nil, 0, len(counts), true},
		"the model is":           {nil, tokens(Day, 5), 1, len(counts) + 1, true},
		"users are":              {tokens(Day, 5), nil, 1, 1, false},
		"users and the model":    {tokens(Day, 5), tokens(Day, 5), 2, 2, false},
		"users by several rules": {append(tokens(Day, 5), tokens(Minute, 5)...), nil, 2, 2, false},
	} {
		p, err := NewPolicy(PolicyOptions{Model: "m", User: tt.user, Total: tt.total})
		if err != nil {
			t.Fatal(err)
		}
		if len(p.Rules()) != tt.rules || len(p.Counted()) != tt.counted || p.OnlyCounts() != tt.only {
			t.Errorf("%s: %d rules, %d are counted, users are only counted: %v", name, len(p.Rules()), len(p.Counted()), p.OnlyCounts())
		}
		if p.Layout(UserScope) == nil || (p.Layout(ModelScope) == nil) != (tt.total == nil) {
			t.Errorf("%s: the layouts are %v and %v", name, p.Layout(UserScope), p.Layout(ModelScope))
		}
	}
}

func TestFit(t *testing.T) {
	small := PolicyOptions{User: []Limit{{Tokens, Minute, 100}, {OutputTokens, Minute, 60}}, Total: []Limit{{InputTokens, Hour, 80}}}
	for _, c := range []struct {
		name    string
		options PolicyOptions
		price   Price
		want    Amount
		misfit  string
	}{
		{"as it is", small, Price{30, 20, 40, 0}, Amount{30, 40, 1}, ""},
		{"the output is clamped", small, Price{50, 40, 500, 0}, Amount{50, 50, 1}, ""},
		{"by the limit of the output too", small, Price{10, 10, 500, 0}, Amount{10, 60, 1}, ""},
		{"the input is not", small, Price{90, 70, 30, 0}, Amount{}, "estimated at 90 input_tokens, and at most 80 per hour"},
		{"nor where only both are too much", small, Price{80, 70, 30, 25}, Amount{}, "estimated at 105 tokens, and at most 100 per minute"},
		{"the least that it can be comes first", PolicyOptions{User: tokens(Minute, 100), Total: []Limit{{InputTokens, Hour, 80}}}, Price{130, 90, 0, 0}, Amount{}, "at least 90 input_tokens"},
		{"the input alone never fits", small, Price{130, 101, 0, 0}, Amount{}, "at least 101 tokens, and at most 100 per minute"},
		{"nor under the model's limit", small, Price{130, 90, 0, 0}, Amount{}, "at least 90 input_tokens, and at most 80 per hour"},
		{"a limit of 0", PolicyOptions{User: tokens(Day, 0)}, Price{}, Amount{}, "tokens per day is 0"},
		{"the zero rule", PolicyOptions{User: tokens(Minute, 0)}, Price{}, Amount{}, "tokens per minute is 0"},
		{"a floor changes nothing where there is room", small, Price{30, 20, 40, 40}, Amount{30, 40, 1}, ""},
		{"there is room for the least output", small, Price{70, 60, 40, 30}, Amount{70, 30, 1}, ""},
		{"the least of both never fits", small, Price{80, 60, 40, 41}, Amount{}, "at least 101 tokens, and at most 100 per minute"},
		{"nor does the least output alone", small, Price{10, 10, 40, 61}, Amount{}, "at least 61 output_tokens, and at most 60 per minute"},
		{"the floor is charged", small, Price{10, 10, 5, 7}, Amount{10, 7, 1}, ""},
		{"the smallest limit keeps the floor", PolicyOptions{User: tokens(Minute, 100), Total: tokens(Hour, 50)}, Price{20, 20, 90, 25}, Amount{20, 30, 1}, ""},
		{"of what is not kept back", PolicyOptions{User: tokens(Minute, 1000), Overrun: Stop}, Price{960, 960, 16, 31}, Amount{}, "at least 991 tokens, and at most 990 per minute"},
		{"no limits", PolicyOptions{}, Price{1 << 40, 1 << 40, 1 << 40, 0}, Amount{1 << 40, 1 << 40, 1}, ""},
	} {
		c.options.Model, c.options.MaxConcurrent, c.options.MaxConcurrentPerUser = "m", Unlimited, Unlimited
		p, err := NewPolicy(c.options)
		if err != nil {
			t.Fatal(err)
		}
		got, err := p.Fit(c.price)
		var misfit *MisfitError
		if c.misfit != "" {
			if !errors.As(err, &misfit) || !strings.Contains(err.Error(), c.misfit) {
				t.Errorf("%s: %v, want %q", c.name, err, c.misfit)
			}
			continue
		}
		if diff := cmp.Diff(c.want, got); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", c.name, err, diff)
		}
	}
}

// TestFitOfNoConcurrency: where no request may run, of the model or of a user, none fits,
// and a decision would say so too.
func TestFitOfNoConcurrency(t *testing.T) {
	for scope, o := range map[Scope]PolicyOptions{
		ModelScope: {MaxConcurrent: 0, MaxConcurrentPerUser: Unlimited},
		UserScope:  {MaxConcurrent: Unlimited, MaxConcurrentPerUser: 0},
	} {
		o.Model = "m"
		p, err := NewPolicy(o)
		if err != nil {
			t.Fatal(err)
		}
		var misfit *MisfitError
		if _, err := p.Fit(Price{}); !errors.As(err, &misfit) || !misfit.Blocked() || !strings.Contains(err.Error(), "concurrent requests is 0") {
			t.Errorf("%s: %v, want a misfit that is blocked", scope, err)
		}
		var s Subjects
		var d Decision
		s.Check(p, Amount{}, 7, &d)
		if diff := cmp.Diff(Decision{Full: []Gauge{{Scope: scope}}, At: 7}, d); diff != "" {
			t.Errorf("%s (-want +got):\n%s", scope, diff)
		}
	}
}

// TestWhatIsLimited: a policy limits something where it has a rule or a bound on running
// requests, be that 0, and tokens where a rule counts some.
func TestWhatIsLimited(t *testing.T) {
	for name, tt := range map[string]struct {
		user                 []Limit
		running, runningEach int64
		limits, tokens       bool
	}{
		"nothing":                    {nil, Unlimited, Unlimited, false, false},
		"tokens":                     {tokens(Day, 1), Unlimited, Unlimited, true, true},
		"requests":                   {[]Limit{{Requests, Day, 1}}, Unlimited, Unlimited, true, false},
		"both":                       {[]Limit{{Requests, Day, 1}, {OutputTokens, Day, 1}}, Unlimited, Unlimited, true, true},
		"running requests":           {nil, 0, Unlimited, true, false},
		"running requests of a user": {nil, Unlimited, 0, true, false},
		"less than no requests":      {nil, -7, -7, false, false},
	} {
		p, err := NewPolicy(PolicyOptions{Model: "m", User: tt.user, MaxConcurrent: tt.running, MaxConcurrentPerUser: tt.runningEach})
		if err != nil {
			t.Fatal(err)
		}
		if p.Limits() != tt.limits || p.LimitsTokens() != tt.tokens {
			t.Errorf("%s: it limits something: %v, and tokens: %v", name, p.Limits(), p.LimitsTokens())
		}
	}
}
