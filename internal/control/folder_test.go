package control

import (
	"testing"
	"time"
)

// TestRest: files are read once nobody has touched them for a while, and at last
// although somebody goes on.
func TestRest(t *testing.T) {
	begin := time.Unix(1_700_000_000, 0)
	var r rest
	var read time.Time // when the timer fires unless it is set anew
	for _, step := range []struct {
		at, want time.Duration // since begin; the time to wait
	}{
		{0, restFor},
		{restFor / 2, restFor},
		{restLatest - restFor/4, restFor / 4},
		{restLatest, 0},
		{restLatest + time.Second, 0}, // a late timer waits for nothing more
	} {
		now := begin.Add(step.at)
		if got := r.disturbed(now); got != step.want || !r.waiting() {
			t.Errorf("after %v it waits %v, want %v", step.at, got, step.want)
		}
		read = now.Add(step.want)
	}
	r = rest{}
	if got := r.disturbed(read); got != restFor {
		t.Errorf("after files have been read it waits %v, want %v", got, restFor)
	}
}
