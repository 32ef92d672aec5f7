package e2e

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"
)

// load is clients that send one request after the other.
type load struct {
	users []string
	stop  context.CancelFunc
	group sync.WaitGroup

	mu      sync.Mutex
	served  int
	refused []time.Duration // for want of the store; how long that took
	wrong   []string        // answers that must not be
}

// newLoad starts clients until the end of the test.
func newLoad(t *testing.T, c client) *load {
	ctx, stop := context.WithCancel(t.Context())
	l := &load{stop: stop}
	for n := range 8 {
		user := fmt.Sprint("load", n)
		l.users = append(l.users, user)
		l.group.Go(func() {
			for ctx.Err() == nil {
				// A request that has begun ends, so that it is known what it cost.
				l.note(c.send(t.Context(), chat{user: user, tokens: 20, pace: 1, stream: n%2 == 0}))
				time.Sleep(2 * time.Millisecond) // so that refusals do not eat the machine
			}
		})
	}
	t.Cleanup(func() {
		stop()
		l.group.Wait()
	})
	return l
}

// note judges an answer: it is served, or refused as it should.
func (l *load) note(a answer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case a.err == nil && a.status == http.StatusOK:
		l.served++
	case a.status == http.StatusServiceUnavailable && a.failure().Error.Code == "store_unavailable" && a.header.Get("Retry-After") != "":
		l.refused = append(l.refused, a.took)
	default:
		l.wrong = append(l.wrong, fmt.Sprintf("%d %v %s", a.status, a.err, a.body))
	}
}

// end stops the clients and checks the answers that they got.
func (l *load) end(t *testing.T) {
	t.Helper()
	l.stop()
	l.group.Wait()
	if l.served == 0 || len(l.refused) == 0 {
		t.Fatalf("%d were served and %d refused: the load tests nothing", l.served, len(l.refused))
	}
	slices.Sort(l.refused)
	usual, slowest := l.refused[len(l.refused)/2], l.refused[len(l.refused)-1]
	t.Logf("%d served, %d refused, half of them within %v, all within %v", l.served, len(l.refused), usual, slowest)
	if usual > answerUsually || slowest > answerWithin {
		t.Errorf("of the refusals half took up to %v, the slowest %v", usual, slowest)
	}
	if len(l.wrong) > 0 {
		t.Errorf("%d answers were wrong, such as %s", len(l.wrong), l.wrong[0])
	}
}
