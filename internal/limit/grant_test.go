package limit

import "testing"

// TestSettlement follows the debt of a request: what its top-ups charged beyond
// their room is paid back first.
func TestSettlement(t *testing.T) {
	reserved := Charge{Amount: Amount{Input: 10, Output: 20, Requests: 1}}
	within := Charge{Amount: Amount{Output: 16}}
	partly := Charge{Amount: Amount{Output: 9}, Debt: 4}
	wholly := Charge{Amount: Amount{Output: 9}, Debt: 9}
	tests := []struct {
		name    string
		charges []Charge
		used    Amount
		want    Settlement
	}{
		{"nothing charged", nil, Amount{}, Settlement{}},
		{"exactly", []Charge{reserved}, Amount{Input: 10, Output: 20}, Settlement{}},
		{"less", []Charge{reserved, within}, Amount{Input: 4, Output: 30}, Settlement{Refunded: 12}},
		{"more", []Charge{reserved}, Amount{Input: 12, Output: 23}, Settlement{Overrun: 5}},
		{"debt, all used", []Charge{reserved, within, partly, wholly}, Amount{Input: 10, Output: 54}, Settlement{Overrun: 13}},
		{"debt, and more used", []Charge{reserved, partly}, Amount{Input: 10, Output: 31}, Settlement{Overrun: 6}},
		{"debt, partly used", []Charge{reserved, partly, wholly}, Amount{Input: 10, Output: 31}, Settlement{Refunded: 7, Overrun: 6}},
		{"debt, one top-up not used", []Charge{reserved, partly, wholly}, Amount{Input: 10, Output: 27}, Settlement{Refunded: 11, Overrun: 2}},
		{"debt, none used", []Charge{reserved, partly}, Amount{Input: 10, Output: 25}, Settlement{Refunded: 4}},
		{"debt, paid by the input", []Charge{reserved, partly}, Amount{Input: 8, Output: 29}, Settlement{Refunded: 2, Overrun: 2}},
		{"nothing used", []Charge{reserved, partly, wholly}, Amount{}, Settlement{Refunded: 48}},
		{"debt, in one slot with what was reserved", []Charge{{Amount: Amount{Input: 10, Output: 20}, Debt: 4}}, Amount{Input: 10, Output: 20}, Settlement{Overrun: 4}},
	}
	limited, err := NewPolicy(PolicyOptions{Model: "m", User: []Limit{{Tokens, Minute, 1000}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range tests {
		g := Grant{Policy: limited}
		for _, c := range tt.charges {
			g.append(c)
		}
		if got := g.Settlement(tt.used); got != tt.want {
			t.Errorf("%s: %+v, want %+v", tt.name, got, tt.want)
		}
	}
}

// TestRemaining: what is left is never negative, as in debt.
func TestRemaining(t *testing.T) {
	r := Rule{Admissible: 10}
	for used, want := range map[int64]int64{0: 10, 7: 3, 10: 0, 15: 0} {
		if got := (Standing{Used: used}).Remaining(&r); got != want {
			t.Errorf("with %d used %d is left, want %d", used, got, want)
		}
		if got := (WindowView{Rule: r, Used: used / 2, Reserved: used - used/2}).Remaining(); got != want {
			t.Errorf("with %d used and reserved %d is left, want %d", used, got, want)
		}
	}
}

// TestExceeds: more of one meter is more, although there is less of others.
func TestExceeds(t *testing.T) {
	g := Grant{Charges: []Charge{}}
	g.append(Charge{Amount: Amount{Input: 10, Output: 20, Requests: 1}})
	for used, want := range map[Amount]bool{
		{}:                                    false,
		{Input: 10, Output: 20, Requests: 1}:  false,
		{Input: 10, Output: 19, Requests: 1}:  false,
		{Input: 11, Output: 20, Requests: 1}:  true,
		{Input: 11, Output: 0, Requests: 0}:   true,
		{Input: 0, Output: 21, Requests: 0}:   true,
		{Input: 0, Output: 0, Requests: 2}:    true,
		{Input: 29, Output: 0, Requests: 1}:   true,
		{Input: 100, Output: 90, Requests: 9}: true,
	} {
		if got := g.Exceeds(used); got != want {
			t.Errorf("%+v is more than was charged: %v, want %v", used, got, want)
		}
	}
}
