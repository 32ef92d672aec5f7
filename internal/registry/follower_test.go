package registry

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"
)

// telling is a Store of which only the revision is asked, and that tells of changes.
type telling struct {
	Store
	asked chan struct{}
	tell  chan struct{}
}

func (s *telling) Revision(context.Context) (Revision, error) {
	s.asked <- struct{}{}
	return Revision{}, nil
}

// Listen implements Notifier.
func (s *telling) Listen(ctx context.Context, changed func()) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.tell:
			changed()
		}
	}
}

// TestTold: a follower looks at once where the store tells it to, if it is to listen, and at each
// tick in any case.
func TestTold(t *testing.T) {
	for _, notified := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			s := &telling{asked: make(chan struct{}, 100), tell: make(chan struct{}, 100)}
			f := NewFollower(s, slog.New(slog.DiscardHandler))
			f.Notified = notified
			ctx, stop := context.WithCancel(t.Context())
			go f.Run(ctx)
			looks := func() (n int) {
				synctest.Wait()
				for ; len(s.asked) > 0; n++ {
					<-s.asked
				}
				return n
			}
			if n := looks(); n != 1 {
				t.Errorf("at first it looks %d times", n)
			}
			s.tell <- struct{}{}
			if n, want := looks(), map[bool]int{true: 1, false: 0}[notified]; n != want {
				t.Errorf("told of a change, it looks %d times, want %d (notified: %t)", n, want, notified)
			}
			time.Sleep(pollInterval)
			if n := looks(); n != 1 {
				t.Errorf("at a tick it looks %d times", n)
			}
			stop()
			synctest.Wait()
		})
	}
}

// flapping is a Store that takes as long as it is told for each answer.
type flapping struct {
	Store
	takes time.Duration
}

func (s *flapping) Revision(ctx context.Context) (Revision, error) {
	select {
	case <-ctx.Done():
		return Revision{}, ctx.Err()
	case <-time.After(s.takes):
		return Revision{}, nil
	}
}

// lines counts what a log says.
type lines map[string]int

func (l lines) Enabled(context.Context, slog.Level) bool { return true }
func (l lines) WithAttrs([]slog.Attr) slog.Handler       { return l }
func (l lines) WithGroup(string) slog.Handler            { return l }
func (l lines) Handle(_ context.Context, r slog.Record) error {
	l[r.Level.String()]++
	return nil
}

// TestFlaps: a store that answers now and then, or so slowly that what is known is hardly ever
// fresh, is told to be away once, and to be back when it has answered for some seconds.
func TestFlaps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, log := &flapping{}, lines{}
		f := NewFollower(s, slog.New(log))
		follow := func(takes, during time.Duration) {
			s.takes = takes
			for end := time.Now().Add(during); time.Now().Before(end); time.Sleep(pollInterval) {
				_ = f.Follow(t.Context())
			}
		}
		for range 5 {
			follow(time.Minute, 5*time.Second)
			follow(300*time.Millisecond, time.Second)
			follow(600*time.Millisecond, 2*time.Second)
		}
		if log["ERROR"] != 1 || log["INFO"] != 0 {
			t.Errorf("while it answers now and then the log says %v", log)
		}
		follow(0, 2*calmAfter)
		if log["ERROR"] != 1 || log["INFO"] != 1 {
			t.Errorf("when it answers again the log says %v", log)
		}
		follow(time.Minute, 5*time.Second)
		if log["ERROR"] != 2 {
			t.Errorf("when it is away once more the log says %v", log)
		}
	})
}
