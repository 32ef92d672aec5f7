package redis

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
	"github.com/token-rate-limiter/token-rate-limiter/internal/limit/limittest"
)

// contextThatEnds returns a context that has ended.
func contextThatEnds() (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx, cancel
}

// TestWhoDenies: whether a denial is due to limits of the user alone.
func TestWhoDenies(t *testing.T) {
	limits := []limit.Limit{{Meter: limit.Tokens, Window: limit.Minute, Max: 100}}
	limited := limittest.Policy(t, limit.PolicyOptions{User: limits, Total: limits, MaxConcurrent: 2})
	unlimited := limittest.Policy(t, limit.PolicyOptions{User: limits, Total: limits})
	// A result: verdict, now, times, running of the model and of the user, and of each rule
	// its sum, when it is empty, and the wait.
	result := func(running, user, model int64) []int64 {
		return []int64{0, 0, 0, 0, running, 0, 50, 0, user, 70, 0, model}
	}
	for name, tt := range map[string]struct {
		policy *limit.Policy
		values []int64
		want   bool
	}{
		"the user's rule":      {limited, result(1, 10, fits), true},
		"the model's rule":     {limited, result(1, fits, 10), false},
		"both":                 {limited, result(1, 10, 10), false},
		"the model's requests": {limited, result(2, 10, fits), false},
		"too many of them":     {limited, result(3, fits, fits), false},
		"no limit of requests": {unlimited, result(-1, 10, fits), true},
		"any number of them":   {unlimited, result(5, 10, fits), true},
	} {
		r := &request{script: newScript(operationReserve, ""), program: newProgram(tt.policy)}
		if got := r.deniedByUser(tt.values); got != tt.want {
			t.Errorf("%s: of the user alone: %v, want %v", name, got, tt.want)
		}
	}
	for ofModel, want := range []bool{true, false} {
		r := &request{script: newScript(operationTopUp, ""), program: newProgram(limited)}
		if got := r.deniedByUser([]int64{0, 0, int64(ofModel)}); got != want {
			t.Errorf("a top-up with %d: %v, want %v", ofModel, got, want)
		}
	}
}

// TestDenialsHold: a denial holds where all was applied before it, in order, or cannot be;
// one that is due to the user's limits also while others' settlements are under way.
func TestDenialsHold(t *testing.T) {
	p := newProgram(minute(t, 100))
	for name, tt := range map[string]struct {
		before  point
		applied uint64
		refused bool
		queued  string // the user whose batch is under way
		byUser  bool
		want    bool
	}{
		"all was applied":                         {before: point{added: 4}, applied: 4, want: true},
		"more was applied":                        {before: point{added: 4}, applied: 5, want: true},
		"applied behind it":                       {before: point{added: 4, behind: true}, applied: 4},
		"applied after it came back":              {before: point{added: 4, setbacks: 1}, applied: 4},
		"refused":                                 {before: point{added: 4, behind: true}, refused: true, want: true},
		"applied behind it, and more is refused":  {before: point{added: 4, behind: true}, applied: 4, refused: true},
		"by the user, others' are under way":      {before: point{added: 4, behind: true}, queued: "v", byUser: true, want: true},
		"by the user, none is under way":          {before: point{added: 4, behind: true}, byUser: true, want: true},
		"by the user, the user's was applied":     {before: point{added: 4, behind: true, own: true}, applied: 4, byUser: true},
		"by the user, whose came back":            {before: point{added: 4, setbacks: 1}, applied: 4, byUser: true},
		"by the user, whose is refused":           {before: point{added: 4}, refused: true, queued: "u", byUser: true, want: true},
		"by the user, whose was left, and failed": {before: point{added: 4, own: true, behind: true}, applied: 4, queued: "v", byUser: true},
	} {
		st := idle()
		st.added, st.applied = 6, tt.applied
		if tt.refused {
			st.refusal.Store(&callError{})
		}
		if tt.queued != "" {
			st.queue = append(st.queue, newBatch(st.model, "me 0 0", 1, 1, []entry{{user: tt.queued, program: p}}))
		}
		r := &request{script: newScript(operationTopUp, ""), keys: []string{"", "", "u"}, program: p}
		values := []int64{0, 0, 1}
		if tt.byUser {
			values[denialOfModel] = 0
		}
		got, err := st.holds(t.Context(), time.Now().Add(patient), r, tt.before, values)
		if got != tt.want || err != nil {
			t.Errorf("%s: it holds: %v, %v; want %v", name, got, err, tt.want)
		}
	}
}

// TestDenialsWait: a denial that is due to others waits for what is under way, hurries what
// is not, and fails where neither comes in time.
func TestDenialsWait(t *testing.T) {
	for _, behind := range []bool{false, true} {
		st := idle()
		st.added = 1
		before := point{added: 1, behind: behind}
		if _, err := st.await(t.Context(), time.Now(), before); !errors.Is(err, errUnsettled) {
			t.Errorf("behind %v, in no time: %v", behind, err)
		}
		if hurried := len(st.hurry) == 1; hurried != behind {
			t.Errorf("behind %v, and hurried: %v", behind, hurried)
		}
		ended, cancel := contextThatEnds()
		defer cancel()
		if _, err := st.await(ended, time.Now().Add(patient), before); !errors.Is(err, context.Canceled) {
			t.Errorf("behind %v, given up: %v", behind, err)
		}
		go func() {
			time.Sleep(time.Millisecond)
			st.mu.Lock()
			defer st.mu.Unlock()
			st.applied = 1
			st.changed()
		}()
		if holds, err := st.await(t.Context(), time.Now().Add(patient), before); holds != !behind || err != nil {
			t.Errorf("behind %v, applied: it holds %v, %v", behind, holds, err)
		}
	}
}
