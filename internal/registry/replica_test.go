package registry

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// board is Replicas in memory, whose clock is time.Now. It notes what it is told.
type board struct {
	mu    sync.Mutex
	begun time.Time
	notes []string // "SECONDS ID WHAT"
	err   error
	all   []Replica
}

func (b *board) note(format string, args ...any) {
	at := time.Since(b.begun).Truncate(100 * time.Millisecond)
	b.notes = append(b.notes, fmt.Sprintf("%v "+format, append([]any{at}, args...)...))
}

func (b *board) Report(_ context.Context, id string, applied int64) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.note("%s %d", id, applied)
	return b.err
}

func (b *board) Leave(ctx context.Context, id string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.note("%s leaves: %v", id, ctx.Err())
	return nil
}

func (b *board) Replicas(context.Context) ([]Replica, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.all, b.err
}

// set changes what the board does.
func (b *board) set(err error, all ...Replica) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.err, b.all = err, all
}

// TestReport: what is new is told soon, what is not each five seconds, and a store that fails is
// asked more and more seldom; at the end the replica leaves.
func TestReport(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &board{begun: time.Now()}
		var mu sync.Mutex
		revision := int64(0)
		ctx, stop := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() {
			Report(ctx, b, "a", func() int64 { mu.Lock(); defer mu.Unlock(); return revision })
		})
		at := func(after time.Duration, r int64, err error) {
			time.Sleep(after)
			mu.Lock()
			revision = r
			mu.Unlock()
			b.set(err)
		}
		at(time.Second+50*time.Millisecond, 7, nil)
		at(6*time.Second, 8, errors.New("away"))
		at(5*time.Second, 8, nil)
		time.Sleep(3 * time.Second)
		stop()
		running.Wait()
		want := []string{
			"0s a 0", "1.1s a 7", "6.1s a 7", // 7.05 s: 8, and it fails
			"7.1s a 8", "8.1s a 8", "10.1s a 8", // 12.05 s: it is well again
			"14.1s a 8", "15s a leaves: <nil>",
		}
		if diff := cmp.Diff(want, b.notes); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// TestPauses: a store that fails for ever is asked each 30 seconds.
func TestPauses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &board{begun: time.Now(), err: errors.New("nobody may write here")}
		ctx, stop := context.WithTimeout(t.Context(), 10*time.Minute)
		defer stop()
		Report(ctx, b, "a", func() int64 { return time.Now().UnixNano() })
		if n := len(b.notes); n < 20 || n > 26 {
			t.Errorf("in ten minutes it was asked %d times", n)
		}
	})
}

// TestAwaitApplied waits for all, for no longer than its context, and not for nobody.
func TestAwaitApplied(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, tt := range []struct {
			name  string
			all   []Replica
			later []Replica // after a second
			want  bool
			took  time.Duration
		}{
			{"all have", []Replica{{ID: "a", Applied: 5}, {ID: "b", Applied: 9}}, nil, true, 0},
			{"one has later", []Replica{{ID: "a", Applied: 5}, {ID: "b", Applied: 4}}, []Replica{{ID: "a", Applied: 5}, {ID: "b", Applied: 5}}, true, time.Second},
			{"one leaves", []Replica{{ID: "a", Applied: 5}, {ID: "b"}}, []Replica{{ID: "a", Applied: 5}}, true, time.Second},
			{"one never has", []Replica{{ID: "a", Applied: 5}, {ID: "b", Applied: 4}}, []Replica{{ID: "a", Applied: 6}, {ID: "b", Applied: 4}}, false, 3 * time.Second},
			{"there is none", nil, nil, false, 3 * time.Second},
		} {
			b, begun := &board{all: tt.all}, time.Now()
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
			if tt.later != nil {
				time.AfterFunc(time.Second, func() { b.set(nil, tt.later...) })
			}
			_, everywhere, err := AwaitApplied(ctx, b, 5)
			cancel()
			if took := time.Since(begun).Round(time.Second); everywhere != tt.want || err != nil || took != tt.took {
				t.Errorf("%s: %v after %v, %v", tt.name, everywhere, took, err)
			}
			synctest.Wait()
		}
		b := &board{err: ErrUnavailable}
		if _, _, err := AwaitApplied(t.Context(), b, 5); !errors.Is(err, ErrUnavailable) {
			t.Errorf("a store that is away: %v", err)
		}
	})
}
