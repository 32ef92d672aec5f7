package mockvllm

import (
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(Options{MaxRunning: 1, MaxQueue: 1, TimeToFirstToken: time.Second})
		send := func(id string) {
			call(s, http.MethodPost, "/v1/completions", id, `{"prompt":"a","mock":{"output_tokens":1}}`)
		}
		for _, id := range []string{"a", "b", "c"} {
			go send(id)
			synctest.Wait()
		}
		if n := s.models()[0].counts(); n[0] != 1 || n[1] != 1 {
			t.Errorf("%d run and %d wait", n[0], n[1])
		}
		if b, _ := s.Ledger().Entry("b"); b.Input != 0 || b.InFlight != 2 {
			t.Errorf("the waiting request is booked as %+v", b)
		}
		if err := s.Ledger().Quiesce(t.Context()); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, e := range s.Ledger().Entries() {
			got = append(got, fmt.Sprint(e.ID, " ", e.Outcome, " ", e.Status, " ", e.End.Sub(e.Start)))
		}
		want := []string{"a completed 200 1s", "b completed 200 2s", "c failed 503 0s"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("requests (-want +got):\n%s", diff)
		}
		if n := s.Ledger().MaxRunning(DefaultModel); n != 2 {
			t.Errorf("MaxRunning is %d; the refused request was never in flight", n)
		}
	})
}

// TestLeaveQueue: a client that leaves is in the queue no more.
func TestLeaveQueue(t *testing.T) {
	m := newModel(Model{}, Options{MaxRunning: 1})
	m.enter()
	first, _ := m.enter()
	second, _ := m.enter()
	m.abandon(first)
	m.leave()
	select {
	case <-second:
	default:
		t.Error("the next one does not run")
	}
	m.abandon(second) // it has its turn by now, and leaves all the same
	if n := m.counts(); n[0] != 0 || n[1] != 0 {
		t.Errorf("%d run and %d wait", n[0], n[1])
	}
	none := newModel(Model{}, Options{MaxRunning: 1, MaxQueue: -1})
	none.enter()
	if _, full := none.enter(); !full {
		t.Error("a request waits where none may")
	}
}
