package limit

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestCurrentSlots: a charge is known to lie in the current slots while all of them last,
// and not where it may be older than a ring. Only then nothing is looked for.
func TestCurrentSlots(t *testing.T) {
	const begin Instant = 1_700_000_040_000 // of slots of both widths
	const charged, end = begin + 300, begin + 1000
	for _, tt := range []struct {
		now     Instant
		covered Instant // when a ring came; 0: all were there
		want    bool
	}{
		{charged, 0, true},
		{end - 1, 0, true},
		{end, 0, false},
		{end - 1, charged - 1, true},
		{end - 1, charged, false},
		{end - 1, charged + 1, false},
	} {
		a := NewAccount(tokensOf(Minute))
		cover := func() {
			a.Advance(tt.covered)
			a.Cover(tokensOf(Minute, Hour))
		}
		if tt.covered > 0 && tt.covered <= charged {
			cover()
		}
		a.Advance(charged)
		if tt.covered > charged {
			cover()
		}
		a.Advance(tt.now)
		if got := a.isCurrent(charged); got != tt.want {
			t.Errorf("at %d, with a ring since %d: %v, want %v", tt.now-begin, tt.covered-begin, got, tt.want)
		}
	}
}

// TestCovers: accounts are enough for a policy where each has all rings of its scope.
func TestCovers(t *testing.T) {
	minute, hour := NewAccount(tokensOf(Minute)), NewAccount(tokensOf(Minute, Hour))
	for _, tt := range []struct {
		name        string
		user, model *Account
		total       []Limit
		want        bool
	}{
		{"none", nil, nil, nil, false},
		{"the user's", hour, nil, nil, true},
		{"without a ring", minute, nil, nil, false},
		{"one that is missing", hour, nil, tokens(Minute, 1), false},
		{"both", hour, minute, tokens(Minute, 1), true},
		{"both, one without a ring", hour, minute, tokens(Hour, 1), false},
	} {
		p, err := NewPolicy(PolicyOptions{Model: "m", User: tokens(Hour, 1), Total: tt.total})
		if err != nil {
			t.Fatal(err)
		}
		s := Subjects{Accounts: Accounts{UserScope: tt.user, ModelScope: tt.model}}
		if got := s.Covers(p); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}

// TestLargeAmountsCountAsSmallOnes plays random histories on two accounts, the amounts of one
// many times those of the other, and beyond 32 bits: in the end what it holds is too.
func TestLargeAmountsCountAsSmallOnes(t *testing.T) {
	const times = 1 << 30
	layouts := []*Layout{tokensOf(Minute), tokensOf(Hour), tokensOf(Minute, Day), tokensOf(Minute, Hour, Day)}
	for seed := range uint64(30) {
		random := rand.New(rand.NewPCG(seed, 3))
		now := Instant(1_700_000_000_000)
		small, large := NewAccount(layouts[seed%2]), NewAccount(layouts[seed%2])
		for range 100 {
			now = now.Add(time.Duration(random.IntN(90)) * time.Second)
			before := now.Add(-time.Duration(random.IntN(300)) * time.Second)
			amount := Amount{Input: random.Int64N(9), Output: random.Int64N(9)}
			what, layout := random.IntN(8), layouts[random.IntN(len(layouts))]
			for a, factor := range map[*Account]int64{small: 1, large: times} {
				amount := Amount{Input: amount.Input * factor, Output: amount.Output * factor}
				a.Advance(now)
				switch what {
				case 0:
					a.Cover(layout)
				case 1, 2:
					for i := range a.rings {
						a.refund(i, before, amount.Of(a.layout.rings[i].meter))
					}
				default:
					a.Charge(amount)
				}
			}
		}
		if small.wide != nil || large.wide == nil {
			t.Fatalf("seed %d: the amounts are not on both sides of 32 bits", seed)
		}
		want := contents(small)
		for _, held := range want {
			for i := range held {
				held[i] *= times
			}
		}
		if diff := cmp.Diff(want, contents(large)); diff != "" {
			t.Fatalf("seed %d: times %d (-small +large):\n%s", seed, times, diff)
		}
	}
}

// TestWait: what is too much leaves with the oldest slots that hold as much; where nothing
// is too much, or nothing was ever counted, nobody waits.
func TestWait(t *testing.T) {
	const begin Instant = 1_700_000_040_000 // of a slot
	a := NewAccount(tokensOf(Minute))
	a.Advance(begin)
	a.Charge(Amount{Output: 10})
	a.Advance(begin.Add(20 * time.Second))
	a.Charge(Amount{Output: 10})
	for _, tt := range []struct {
		name   string
		a      *Account
		window Window
		excess int64
		want   time.Duration
	}{
		{"nothing", a, Minute, 0, 0},
		{"less than nothing", a, Minute, -5, 0},
		{"a part of the oldest", a, Minute, 1, 41 * time.Second},
		{"all of the oldest", a, Minute, 10, 41 * time.Second},
		{"more than that", a, Minute, 11, 61 * time.Second},
		{"more than there is", a, Minute, 1000, 61 * time.Second},
		{"a window that is not counted", a, Hour, 5, 0},
		{"nobody", nil, Minute, 5, 0},
	} {
		if got := tt.a.Wait(Tokens, tt.window, tt.excess); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}

// TestNobodyStandsNowhere: of an account that there is not yet, and of a window that it does
// not count, nothing is used.
func TestNobodyStandsNowhere(t *testing.T) {
	var nobody *Account
	a := NewAccount(tokensOf(Minute))
	a.Advance(1_700_000_000_000)
	a.Charge(Amount{Input: 3, Output: 4})
	for name, tt := range map[string]struct {
		a    *Account
		w    Window
		used int64
	}{"nobody": {nobody, Minute, 0}, "a window that is not counted": {a, Day, 0}, "one that is": {a, Minute, 7}} {
		if sum, at := tt.a.Sum(Tokens, tt.w), tt.a.Standing(Tokens, tt.w); sum != tt.used || at.Used != tt.used || (at.Reset > 0) != (tt.used > 0) {
			t.Errorf("%s: used are %d, and it stands at %+v", name, sum, at)
		}
	}
	if nobody.Held() != (Amount{}) {
		t.Error("nobody holds something")
	}
}
