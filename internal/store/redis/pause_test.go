package redis

import (
	"testing"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
)

// TestPauses: the time between two attempts at a batch doubles, and is bounded: by little
// where an answer was lost, by more where the server says no.
func TestPauses(t *testing.T) {
	for _, tt := range []struct {
		name    string
		refused bool
		longest time.Duration
	}{
		{"lost", false, batchPauseMax},
		{"refused", true, refusedPauseMax},
	} {
		m := &model{}
		st := newOutbox(nil, m)
		if tt.refused {
			st.refusal.Store(&callError{})
		}
		pauses := []time.Duration{0}
		for range 20 {
			pauses = append(pauses, st.pauseAfter(pauses[len(pauses)-1], false))
		}
		if pauses[1] != batchPause || pauses[2] != 2*batchPause {
			t.Errorf("%s: the first pauses are %v, want %v and twice that", tt.name, pauses[1:3], batchPause)
		}
		if got := st.pauseAfter(tt.longest, true); got != 0 {
			t.Errorf("%s: after an attempt that went well the pause is %v", tt.name, got)
		}
		if got := pauses[20]; got != tt.longest {
			t.Errorf("%s: the last pause is %v, want %v", tt.name, got, tt.longest)
		}
	}
}

// TestAnsweredCallsAreNotPending: the server has to remember nothing of a call whose
// answer has come, whatever it was.
func TestAnsweredCallsAreNotPending(t *testing.T) {
	s := open(t, Options{Timeout: patient, heartbeat: -1})
	p := minute(t, 1000)
	g := mustReserve(t, s, p, "u", output(600))
	for _, more := range []int64{100, 5000} { // granted, and denied
		if _, err := s.TopUp(t.Context(), g, limit.Amount{Output: more}, limit.WithinLimits); err != nil {
			t.Fatal(err)
		}
	}
	var denied limit.Grant
	var d limit.Decision
	if err := s.Reserve(t.Context(), p, "u", output(600), &denied, &d); err != nil || d.Admitted {
		t.Fatalf("Reserve: %v, %+v; want denied", err, d)
	}
	if _, err := s.View(t.Context(), p, "u"); err != nil {
		t.Fatal(err)
	}
	must(t, shared, "SET", "token:usage:{llama2-7b}:foreign", "foreign")
	if _, _, err := tryReserve(t.Context(), s, p, "foreign"); err == nil {
		t.Fatal("Reserve of an account that is none: no error")
	}
	if n := s.pending.begin(); s.pending.lowest() != n {
		t.Errorf("%d is pending still, before %d", s.pending.lowest(), n)
	}
}
