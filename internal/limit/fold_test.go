package limit

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// tokensOf is a layout of a ring of tokens per window.
func tokensOf(windows ...Window) *Layout {
	var limits []Limit
	for _, w := range windows {
		limits = append(limits, Limit{Meter: Tokens, Window: w, Max: 1}, Limit{Meter: OutputTokens, Window: w, Max: 1})
	}
	return newLayout(limits)
}

// TestMergedChargesSettleAlike runs the same requests twice, once with every charge
// for itself and once with those that give back alike as one, through steps of the
// clock, rings that come later, and waits of seconds to days: whatever is used in the
// end, the accounts are the same.
func TestMergedChargesSettleAlike(t *testing.T) {
	merges := 0
	for seed := range uint64(120) {
		r := rand.New(rand.NewPCG(seed, 8))
		now := InstantOf(time.Unix(1_700_000_000, 0)).Add(time.Duration(r.IntN(1e7)) * time.Millisecond)
		var whole, single Subjects
		layouts := []*Layout{tokensOf(Minute), tokensOf(Hour), tokensOf(Minute, Day), tokensOf(Minute, Hour, Day)}
		grow := func() {
			l := layouts[r.IntN(len(layouts))]
			s := Scope(r.IntN(int(scopes)))
			for _, sub := range []*Subjects{&whole, &single} {
				if sub.Accounts[s] == nil {
					sub.Accounts[s] = NewAccount(l)
					sub.Accounts[s].Advance(now)
				} else {
					sub.Accounts[s].Cover(l)
				}
			}
		}
		grow()
		grow()
		var merged, apart [2]Grant
		for i := range merged {
			merged[i].Open(nil, "u")
			apart[i].Open(nil, "u")
		}
		longest := []int64{1, 50, 1500, 40_000, 2_000_000}[r.IntN(5)]
		for range 60 + r.IntN(200) {
			switch r.IntN(20) {
			case 0:
				grow()
			case 1:
				now -= Instant(r.Int64N(5000))
			case 2:
				now += Instant(r.Int64N(3 * longest))
			default:
				now += Instant(r.Int64N(longest))
			}
			whole.Advance(now)
			single.Advance(now)
			i, more := r.IntN(2), Amount{Input: r.Int64N(3), Output: r.Int64N(20)}
			c := whole.charge(more)
			merged[i].note(c, &whole.Accounts)
			apart[i].append(single.charge(more))
			if merged[i].Granted() != apart[i].Granted() {
				t.Fatalf("seed %d: granted %v, want %v", seed, merged[i].Granted(), apart[i].Granted())
			}
		}
		for i := range merged {
			merges += len(apart[i].Charges) - len(merged[i].Charges)
			if len(apart[i].Charges) == 0 {
				continue
			}
			all := merged[i].Granted()
			used := Amount{Input: r.Int64N(all.Input + 2), Output: r.Int64N(all.Output + 2)}
			whole.Settle(&merged[i], used)
			single.Settle(&apart[i], used)
			whole.Advance(now)
			single.Advance(now)
			for s := range whole.Accounts {
				if diff := cmp.Diff(contents(single.Accounts[s]), contents(whole.Accounts[s])); diff != "" {
					t.Fatalf("seed %d, scope %d (-apart +merged):\n%s", seed, s, diff)
				}
			}
		}
	}
	if merges < 3000 {
		t.Errorf("only %d charges were merged: the histories show little", merges)
	}
}

// contents is all that an account holds.
func contents(a *Account) map[string][]int64 {
	if a == nil {
		return nil
	}
	all := map[string][]int64{"held": {a.held.Input, a.held.Output}}
	for i, shape := range a.layout.rings {
		name := shape.meter.String() + " per " + shape.window.String()
		for s := a.rings[i].head - shape.slots + 1; s <= a.rings[i].head; s++ {
			all[name] = append(all[name], a.get(i, s))
		}
		all[name] = append(all[name], a.rings[i].sum)
	}
	return all
}

// TestChargesAreBoundedBySlots tops a grant up every few milliseconds for days: it
// has no more charges than there are slots that count, and those that a fold leaves
// until the memory is used up again. So it is where a store charges a model's account that
// the policy does not limit any more.
func TestChargesAreBoundedBySlots(t *testing.T) {
	most := 0
	for w := Minute; w <= Day; w++ {
		most += w.Slots() + 1
	}
	for name, step := range map[string]Instant{"40 ms": 40, "a second": 1000, "a minute": 60_000} {
		p, err := NewPolicy(PolicyOptions{Model: "m", User: []Limit{{Tokens, Minute, 9}, {Tokens, Hour, 9}, {Tokens, Day, 9}}})
		if err != nil {
			t.Fatal(err)
		}
		var g, noted, beyond Grant
		noted.Open(p, "u")
		beyond.Open(p, "u")
		s := Subjects{Accounts: Accounts{UserScope: NewAccount(p.Layout(UserScope))}}
		for i, at := 0, Instant(1_700_000_000_000); i < 50_000; i, at = i+1, at+step {
			s.Advance(at)
			c := s.charge(Amount{Output: 9})
			g.note(c, &s.Accounts)
			noted.Note(c)
			c.At[ModelScope] = at
			beyond.Note(c)
			for _, got := range []*Grant{&g, &noted, &beyond} {
				if len(got.Charges) > 2*most {
					t.Fatalf("every %s: after %d top-ups there are %d charges, want %d at most", name, i, len(got.Charges), 2*most)
				}
			}
		}
		if want := (Amount{Output: 9 * 50_000}); g.Granted() != want || noted.Granted() != want {
			t.Errorf("granted %v and %v, want %v", g.Granted(), noted.Granted(), want)
		}
	}
}

// BenchmarkLongDebt is a top-up and a look at the grant of a stream that has had so
// many already.
func BenchmarkLongDebt(b *testing.B) {
	p, err := NewPolicy(PolicyOptions{Model: "m", User: []Limit{{Tokens, Minute, 9}, {Tokens, Day, 9}}, MaxDebt: 1})
	if err != nil {
		b.Fatal(err)
	}
	var g Grant
	g.Open(p, "u")
	s := Subjects{Accounts: Accounts{UserScope: NewAccount(p.Layout(UserScope))}}
	at := Instant(1_700_000_000_000)
	top := func() {
		at += 90
		s.Advance(at)
		c := s.charge(Amount{Output: 9})
		g.note(c, &s.Accounts)
	}
	for range 300_000 / 9 {
		top()
	}
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		top()
		if g.Granted().Output == 0 {
			b.Fatal("nothing is granted")
		}
	}
}
