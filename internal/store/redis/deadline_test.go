package redis

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// TestDeadlines: no call has more than its timeout, or a twentieth less, in few
// contexts.
func TestDeadlines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := deadlines{timeout: DefaultTimeout}
		defer d.close()
		contexts := map[context.Context]bool{}
		const calls = 100
		for range calls {
			start := time.Now()
			ctx := d.of(start)
			contexts[ctx] = true
			go func() {
				<-ctx.Done()
				if took := time.Since(start); took > DefaultTimeout || took < DefaultTimeout*19/20 {
					t.Errorf("a call had %v, want %v or a twentieth less", took, DefaultTimeout)
				}
			}()
			time.Sleep(time.Millisecond / 2)
		}
		if len(contexts) != calls/5 {
			t.Errorf("%d calls, two a millisecond, had %d contexts, want %d", calls, len(contexts), calls/5)
		}
		time.Sleep(2 * DefaultTimeout)
	})
}

// TestLimit: a caller who has less time than the store gets no more.
func TestLimit(t *testing.T) {
	s := open(t, Options{Timeout: patient})
	start := time.Now()
	callers, cancel := context.WithDeadline(t.Context(), start.Add(brief))
	defer cancel()
	limited, end := s.limit(callers, start, patient)
	defer end()
	if got, _ := limited.Deadline(); !got.Equal(start.Add(brief)) {
		t.Errorf("a caller with %v gets %v", brief, got.Sub(start))
	}
}
