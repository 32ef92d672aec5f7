package streams

import (
	"context"
	"sync"
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
	"github.com/token-rate-limiter/token-rate-limiter/internal/limit/limittest"
	"github.com/token-rate-limiter/token-rate-limiter/internal/redistest"
	"github.com/token-rate-limiter/token-rate-limiter/internal/store/memory"
	"github.com/token-rate-limiter/token-rate-limiter/internal/store/redis"
)

// recorder is a store on a clock of its own that books every charge by itself, so
// that tests can judge what the gateway has charged, and when.
type recorder struct {
	limit.Store
	clock *limittest.Clock

	mu    sync.Mutex
	open  map[*limit.Grant]*book
	books []*book
	need  limit.Amount // of the last reservation, admitted or not
	vain  int          // top-ups within the limits that were refused
}

// book is what one admitted request was charged.
type book struct {
	user    string
	charges []charge // oldest first
	settled bool
	used    limit.Amount
}

// charge is one reservation or top-up, or what settling has charged.
type charge struct {
	at     limit.Instant
	amount limit.Amount
	debt   int64
}

// newRecorder records a store in memory.
func newRecorder() *recorder {
	clock := limittest.NewClock()
	return &recorder{
		Store: memory.New(memory.Options{Now: clock.Now}), clock: clock,
		open: map[*limit.Grant]*book{},
	}
}

// newRedisRecorder records a store in a Redis of its own.
func newRedisRecorder(t testing.TB) *recorder {
	t.Helper()
	r := newRecorder()
	s, err := redis.New(t.Context(), redis.Options{Address: redistest.Start(t).Addr, Timeout: patience, Now: r.clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	r.Store = s // the gateway closes it
	return r
}

// Reserve implements limit.Store.
func (r *recorder) Reserve(ctx context.Context, p *limit.Policy, user string, need limit.Amount, g *limit.Grant, d *limit.Decision) error {
	err := r.Store.Reserve(ctx, p, user, need, g, d)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.need = need
	if err == nil && d.Admitted {
		b := &book{user: user, charges: []charge{{at: d.At, amount: need}}}
		r.open[g] = b
		r.books = append(r.books, b)
	}
	return err
}

// TopUp implements limit.Store.
func (r *recorder) TopUp(ctx context.Context, g *limit.Grant, more limit.Amount, b limit.Bound) (limit.TopUp, error) {
	t, err := r.Store.TopUp(ctx, g, more, b)
	r.mu.Lock()
	defer r.mu.Unlock()
	if err == nil && !t.Granted && b == limit.WithinLimits {
		r.vain++
	}
	if err == nil && t.Granted {
		r.open[g].charges = append(r.open[g].charges, charge{r.clock.Now(), more, t.Debt})
	}
	return t, err
}

// Settle implements limit.Store.
func (r *recorder) Settle(g *limit.Grant, used limit.Amount) {
	r.mu.Lock()
	b := r.open[g]
	delete(r.open, g)
	b.settled, b.used = true, used
	r.mu.Unlock()
	r.Store.Settle(g, used)
}

// granted returns what all requests of a user were charged before they were
// settled; it never falls.
func (r *recorder) granted(user string) limit.Amount {
	r.mu.Lock()
	defer r.mu.Unlock()
	var sum limit.Amount
	for _, b := range r.books {
		if b.user == user {
			sum = sum.Plus(b.granted())
		}
	}
	return sum
}

// lastNeed returns the price of the last request that came to the limits.
func (r *recorder) lastNeed() int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.need.Tokens()
}

// debt returns the tokens that were charged beyond what the limits had room for
// and have not been given back, and those that were used beyond the grant.
func (r *recorder) debt() (sum int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, b := range r.books {
		for _, c := range b.settledCharges() {
			sum += c.debt
		}
	}
	return sum
}

// log returns what counts: every charge, less what was given back.
func (r *recorder) log() (all []charge) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, b := range r.books {
		all = append(all, b.settledCharges()...)
	}
	return all
}

func (b *book) granted() (sum limit.Amount) {
	for _, c := range b.charges {
		sum = sum.Plus(c.amount)
	}
	return sum
}

// settledCharges returns the charges of tokens as settling has left them: what
// was not used is taken off the newest first, and of each its debt first; what
// was used beyond them is debt, charged last.
func (b *book) settledCharges() []charge {
	left := make([]charge, len(b.charges))
	copy(left, b.charges)
	if !b.settled {
		return left
	}
	excess := b.used.Tokens() - b.granted().Tokens()
	for i := len(left) - 1; i >= 0 && excess < 0; i-- {
		back := min(left[i].amount.Tokens(), -excess)
		left[i].amount = limit.Amount{Output: left[i].amount.Tokens() - back}
		left[i].debt = max(0, left[i].debt-back)
		excess += back
	}
	if excess > 0 {
		left = append(left, charge{left[len(left)-1].at, limit.Amount{Output: excess}, excess})
	}
	return left
}

// counting returns what of the log is in the rolling minute at an instant.
func counting(log []charge, at limit.Instant) (sum int64) {
	for _, c := range log {
		if at/1000-c.at/1000 <= 60 {
			sum += c.amount.Tokens()
		}
	}
	return sum
}
