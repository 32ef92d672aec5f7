package limit

import "testing"

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
