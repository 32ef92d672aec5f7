package usage

import (
	"fmt"
	"slices"
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/internal/wire"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/request"
)

func teach(p *Pricer, user string, r *request.Request, complete bool, outputs ...int64) {
	for _, output := range outputs {
		p.Learn(user, r, wire.Usage{Input: r.TokenIDs, Output: output}, complete)
	}
}

func checkOutput(t *testing.T, p *Pricer, user string, want int64) {
	t.Helper()
	got := p.Price(user, ids(10, nil)).Output
	if got < want || float64(got) > 1.08*float64(want) {
		t.Errorf("%s: output %d, want %d to 8 %%", user, got, want)
	}
}

func TestOutputIsTheUsersThenTheModels(t *testing.T) {
	p := NewPricer(Options{})
	r := ids(10, nil)
	teach(p, "short", r, true, 12, 12, 12, 12)
	checkOutput(t, p, "short", 256) // four answers are too few
	teach(p, "short", r, true, 12)
	checkOutput(t, p, "short", 12)
	checkOutput(t, p, "new", 256/outputDoubt) // one user does not say what others get
	teach(p, "long", r, true, 900, 900, 900, 900, 900)
	checkOutput(t, p, "long", 900)
	checkOutput(t, p, "short", 12)
	checkOutput(t, p, "new", 256) // the two do not agree
	teach(p, "long too", r, true, 900, 900, 900, 900, 900)
	teach(p, "longer", r, true, 1000, 1000, 1000, 1000, 1000)
	checkOutput(t, p, "new", 900)
}

// Users who take turns do not blur each other.
func TestOutputOfAlternatingUsers(t *testing.T) {
	p := NewPricer(Options{})
	for i := range int64(300) {
		user := i % 3
		teach(p, fmt.Sprint(user), ids(10, nil), true, 10+500*user)
	}
	checkOutput(t, p, "0", 10)
	checkOutput(t, p, "1", 510)
	checkOutput(t, p, "2", 1010)
}

func TestOutputIsLearnedPerSequence(t *testing.T) {
	p := NewPricer(Options{})
	r := ids(10, func(r *request.Request) { r.Prompts, r.Sequences = 2, 5 })
	teach(p, "user", r, true, 1000, 1000, 1000, 1000, 1000)
	checkOutput(t, p, "user", 100)
	for total, each := range map[int64]int64{14: 7, 15: 8, 16: 8} { // a part of a token is one
		p := NewPricer(Options{})
		pair := ids(10, func(r *request.Request) { r.Sequences = 2 })
		teach(p, "user", pair, true, total, total, total, total, total)
		checkOutput(t, p, "user", each)
	}
}

func TestBrokenOffAnswersTeachNothingShort(t *testing.T) {
	p := NewPricer(Options{})
	teach(p, "user", ids(10, nil), false, 1, 2, 3, 4, 5, 6, 7, 8)
	checkOutput(t, p, "user", 256)
	teach(p, "user", ids(10, nil), true, 400, 400, 400, 400, 400)
	for range 500 {
		teach(p, "user", ids(10, nil), false, 3)
	}
	checkOutput(t, p, "user", 400)
	for range 100 {
		teach(p, "user", ids(10, nil), false, 700)
	}
	checkOutput(t, p, "user", 700)
}

// Answers that were broken off when they were as long as is expected are long ones.
func TestBrokenOffAnswersAreAtLeastSoLong(t *testing.T) {
	for cut, want := range map[int64]int64{9: 1, 10: 10, 12: 12} {
		p := NewPricer(Options{})
		teach(p, "user", ids(10, nil), true, slices.Repeat([]int64{10}, 10)...)
		teach(p, "user", ids(10, nil), false, slices.Repeat([]int64{cut}, 20)...)
		teach(p, "user", ids(10, nil), true, slices.Repeat([]int64{1}, 100)...)
		checkOutput(t, p, "user", want)
	}
}

// Answers without a token, of endpoints that give some or that give none, do not say how
// long answers are.
func TestAnswersOfNothingTeachNoOutput(t *testing.T) {
	p := NewPricer(Options{})
	embedding := ids(10, func(r *request.Request) { r.Endpoint = wire.Embeddings })
	teach(p, "user", ids(10, nil), true, 0, 0, 0, 0, 0, 0, -1, -1, -1)
	teach(p, "user", embedding, true, 0, 0, 0, 0, 0, 0, 9, 9, 9, 9, 9, 9)
	checkOutput(t, p, "user", 256)
}

func TestAnswersCutByTheirCapTeachNothingShort(t *testing.T) {
	p := NewPricer(Options{})
	teach(p, "user", ids(10, nil), true, 400, 400, 400, 400, 400)
	capped := ids(10, func(r *request.Request) { r.OutputCap = 16 })
	for range 500 {
		teach(p, "user", capped, true, 16)
	}
	checkOutput(t, p, "user", 400)
}

func TestOutputFloor(t *testing.T) {
	for _, c := range []struct {
		name string
		r    *request.Request
		want int64
	}{
		{"a token", ids(10, nil), 1},
		{"of each sequence of each prompt", ids(10, func(r *request.Request) { r.Prompts, r.Sequences, r.OutputCap = 8, 128, 50 }), 1024},
		{"min_tokens", ids(10, func(r *request.Request) { r.Sequences, r.MinOutput = 2, 30 }), 60},
		{"nothing is generated", ids(10, func(r *request.Request) { r.Endpoint, r.Prompts = wire.Embeddings, 8 }), 0},
		{"no overflow", ids(10, func(r *request.Request) { r.Prompts, r.Sequences, r.MinOutput = 1<<24, 1<<31, 1<<31 }), priceMax},
	} {
		if got := OutputFloor(c.r); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}

func TestHistoryIsBounded(t *testing.T) {
	const most = 50
	p := NewPricer(Options{UsersMax: most})
	for i := range 20 * most {
		teach(p, "regular", ids(10, nil), true, 33)
		checkOutputIfTrusted(t, p, i)
		teach(p, fmt.Sprint("passer-by ", i), ids(10, nil), true, 600)
	}
	if n := len(p.users.users); n != most || len(p.users.ring) != most {
		t.Errorf("%d users in the table and %d in the ring, want %d", n, len(p.users.ring), most)
	}
	for key, u := range p.users.users {
		if u.key != key {
			t.Errorf("entry of %x under %x", u.key, key)
		}
	}
	checkOutput(t, p, "passer-by 0", 600)
}

// The regular user is in use all the time, so the passers-by never displace it.
func checkOutputIfTrusted(t *testing.T, p *Pricer, i int) {
	t.Helper()
	if i >= trusted {
		checkOutput(t, p, "regular", 33)
	}
}
