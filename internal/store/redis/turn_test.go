package redis

import "testing"

// TestTurnIsOverWhenTheCallIsQueued: the client asks for Done once it has queued the call, and
// who is next need not wait for the answer.
func TestTurnIsOverWhenTheCallIsQueued(t *testing.T) {
	over := 0
	turn := &turn{Context: t.Context(), over: func() { over++ }}
	turn.Done()
	if over != 1 {
		t.Fatalf("the turn was over %d times when the call was queued", over)
	}
	turn.Done()
	turn.end()
	if over != 1 {
		t.Errorf("the turn was over %d times", over)
	}
}
