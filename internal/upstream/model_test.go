package upstream

import (
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
)

// TestModelsAreJudgedApart: two models are served by one server, and every request of one
// fails. All requests of the other are served, though its callers are those that fail; of
// the first one nobody is let to the server. That the server is away is true for both.
func TestModelsAreJudgedApart(t *testing.T) {
	var ill atomic.Bool
	address := serveHTTP(t, func(w http.ResponseWriter, r *http.Request) {
		if ill.Load() || r.Header.Get("X-Bad") != "" {
			w.WriteHeader(http.StatusInternalServerError)
		}
	}).URL
	var told []Condition
	s := connect(t, address, func(o *setup) { o.Changed = func(now Condition) { told = append(told, now) } })
	broken, well := NewPool("broken", []*Server{s}, nil), NewPool("well", []*Server{s}, nil)
	refused := 0
	for round := range 30 {
		for i := range 4 {
			bad := post("{}")
			bad.Caller, bad.Header = fmt.Sprint("user", i), []Field{{Name: "X-Bad", Value: "1"}}
			if r, err := broken.Do(t.Context(), bad); err != nil {
				refused++
			} else {
				_ = r.Body.Close()
			}
			if status, failure := askAs(t, well, bad.Caller); status != http.StatusOK {
				t.Fatalf("round %d: a request of the other model gets %d, %v", round, status, failure)
			}
		}
	}
	if refused < 90 {
		t.Errorf("%d of 120 requests of the broken model are kept from the server", refused)
	}
	want := func(of *Pool, now Condition) {
		t.Helper()
		if got := of.breakers[0].condition(); got != now {
			t.Errorf("it stands at %+v, want %+v", got, now)
		}
	}
	want(broken, Condition{"broken", true, BreakerOpen})
	want(well, Condition{"well", true, BreakerClosed})
	if len(told) != 1 || told[0] != (Condition{"broken", true, BreakerOpen}) {
		t.Errorf("told of %+v, want that the breaker of one model has opened", told)
	}

	ill.Store(true)
	_ = s.Check(t.Context())
	want(broken, Condition{"broken", false, BreakerOpen})
	want(well, Condition{"well", false, BreakerOpen})
	want(NewPool("new", []*Server{s}, nil), Condition{"new", false, BreakerOpen})
	ill.Store(false)
	_ = s.Check(t.Context())
	for _, p := range []*Pool{broken, well, NewPool("new", []*Server{s}, nil), NewPool("well", []*Server{s}, nil)} {
		if now := p.breakers[0].condition(); !now.Reachable || now.Breaker != BreakerClosed {
			t.Errorf("after the server is back it stands at %+v", now)
		}
	}
	if len(told) != 3 || told[1] != (Condition{"", false, BreakerOpen}) || told[2] != (Condition{"", true, BreakerClosed}) {
		t.Errorf("told of %+v, want of the server once as it goes, once as it comes", told)
	}
}
