package app

import (
	"context"
	"errors"
	"net/http"
	"time"
)

// cutOffTimeout bounds how long requests that are cut off may take to be settled.
const cutOffTimeout = 5 * time.Second

// drain takes no more requests and waits for the running ones. Those that take
// too long are cut off; when it returns, all are settled.
//
// First comes the configured delay, in which everything goes on but readiness is off: the proxies
// of a Kubernetes service need a while to notice. The listener stays open while requests are
// running: a client that still comes is told so. When nothing is running, the end is at once.
func (a *App) drain(ctx context.Context) error {
	a.announce()
	ctx, cancel := context.WithTimeout(ctx, a.config.Server.DrainTimeout)
	defer cancel()
	ended := a.data.Drain()
	a.log.Info("draining", "timeout", a.config.Server.DrainTimeout.String())
	go func() {
		select {
		case <-a.hurry:
			cancel()
		case <-ctx.Done():
		}
	}()
	select {
	case <-ended:
	case <-ctx.Done():
	}
	// The last answers may still be on their way, which Shutdown waits for.
	if a.server.Shutdown(ctx) == nil {
		return nil
	}
	if a.handling.TryLock() { // what is left are connections that have not brought a request yet
		return a.server.Close()
	}
	reason := "told to end at once"
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		reason = "a longer server.drain-timeout lets them end"
	}
	a.log.Warn("requests that are still running are cut off", "reason", reason)
	err := a.server.Close()
	// Close does not wait for handlers, and what they settle after the store is closed is lost.
	if !inTime(cutOffTimeout, a.handling.Lock) {
		a.log.Error("requests that were cut off have not ended, and stay charged in full")
	}
	return err
}

// announce turns readiness off and lets requests come for the configured delay.
func (a *App) announce() {
	a.leaving.Store(true)
	delay := a.config.Server.DrainDelay
	if delay == 0 {
		return
	}
	a.log.Info("not ready any more; requests are still served", "for", delay.String())
	select {
	case <-a.hurry:
	case <-time.After(delay):
	}
}

// tracked lets drain wait for the requests that next handles.
func (a *App) tracked(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.handling.RLock()
		defer a.handling.RUnlock()
		next.ServeHTTP(w, r)
	})
}

// inTime reports whether do ended in time; otherwise it goes on by itself.
func inTime(timeout time.Duration, do func()) bool {
	ended := make(chan struct{})
	go func() {
		do()
		close(ended)
	}()
	select {
	case <-ended:
		return true
	case <-time.After(timeout):
		return false
	}
}
