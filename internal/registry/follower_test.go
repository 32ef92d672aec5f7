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
