package http1

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

type key struct{}

// contexts are those that have to behave alike: ours, and one of package context.
var contexts = map[string]func() (context.Context, func()){
	"ours": func() (context.Context, func()) {
		l := &requestContext{Context: context.WithValue(context.Background(), key{}, "value")}
		return l, l.end
	},
	"context's": func() (context.Context, func()) {
		return context.WithCancel(context.WithValue(context.Background(), key{}, "value"))
	},
}

// after is context.AfterFunc, as those call it who know of the short way.
func after(ctx context.Context, f func()) (stop func() bool) {
	if l, ok := ctx.(*requestContext); ok {
		return l.AfterFunc(f)
	}
	return context.AfterFunc(ctx, f)
}

func TestRequestContextIsAContext(t *testing.T) {
	for name, begin := range contexts {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, end := begin()
				early, derived := ctx.Done(), deriving(ctx)
				if _, set := ctx.Deadline(); set || ctx.Err() != nil || ctx.Value(key{}) != "value" || isClosed(early) {
					t.Errorf("it begins with the error %v, the value %v, done: %v", ctx.Err(), ctx.Value(key{}), isClosed(early))
				}
				end()
				end()
				if !errors.Is(ctx.Err(), context.Canceled) || !isClosed(early) || !isClosed(ctx.Done()) || !errors.Is(context.Cause(ctx), context.Canceled) {
					t.Errorf("it ends with %v, done: %v, %v", ctx.Err(), isClosed(early), isClosed(ctx.Done()))
				}
				synctest.Wait()
				if !errors.Is(derived.Err(), context.Canceled) || !isClosed(derived.Done()) || !errors.Is(deriving(ctx).Err(), context.Canceled) {
					t.Errorf("what is derived of it ends with %v", derived.Err())
				}
			})
		})
	}
}

func TestRequestContextCallsAtItsEnd(t *testing.T) {
	for name, begin := range contexts {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, end := begin()
				var called [5]atomic.Int32
				var stops [5]func() bool
				for i := range stops {
					stops[i] = after(ctx, func() { called[i].Add(1) })
					if i == 1 && !stops[i]() {
						t.Error("what was to come could not be stopped")
					}
				}
				if !stops[3]() || stops[3]() || stops[1]() {
					t.Error("something was stopped other than once")
				}
				end()
				end()
				synctest.Wait()
				for i := range called {
					if got, want := called[i].Load(), int32(1-i%2); got != want || stops[i]() {
						t.Errorf("function %d was called %d times, want %d", i, got, want)
					}
				}
				stop := after(ctx, func() { called[1].Add(1) })
				synctest.Wait()
				if called[1].Load() != 1 || stop() {
					t.Error("after the end nothing is called at once")
				}
			})
		})
	}
}

// TestRequestContextEndsWhileItIsStopped: a call is made or stopped, never both and never neither.
func TestRequestContextEndsWhileItIsStopped(t *testing.T) {
	for range 500 {
		l := &requestContext{Context: context.Background()}
		var called, stopped atomic.Int32
		var wg, calls sync.WaitGroup
		for range 3 {
			calls.Add(1)
			stop := l.AfterFunc(func() { called.Add(1); calls.Done() })
			wg.Go(func() {
				if stop() {
					stopped.Add(1)
					calls.Done()
				}
			})
		}
		wg.Go(l.end)
		wg.Go(func() { <-l.Done() })
		wg.Wait()
		calls.Wait()
		if called.Load()+stopped.Load() != 3 {
			t.Fatalf("of 3 calls %d were made and %d stopped", called.Load(), stopped.Load())
		}
	}
}

// deriving returns a context that ends with ctx, at the latest in an hour.
func deriving(ctx context.Context) context.Context {
	derived, cancel := context.WithTimeout(ctx, time.Hour)
	context.AfterFunc(derived, cancel)
	return derived
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
