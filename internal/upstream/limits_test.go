package upstream

import (
	"context"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/httpclient"
)

// fullAfter is a model server whose queue is full, which it says after a while. It
// is well.
func fullAfter(wait time.Duration) script {
	return func(_ int, p *peer) {
		for r := p.request(); r != nil; r = p.request() {
			if r.URL.Path == "/health" {
				p.say("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
				continue
			}
			time.Sleep(wait)
			p.say("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n")
		}
	}
}

// silent is one that never answers.
func silent(_ int, p *peer) {
	for p.request() != nil {
	}
}

// TestOneSetOfLimits: the time that one model server has used is not there for the
// next one, which is not blamed for an answer that it had no time for.
func TestOneSetOfLimits(t *testing.T) {
	const limit = time.Minute
	byFirst := func(r *Request) { r.FirstByteTimeout = limit }
	byWhole := func(r *Request) { r.ResponseTimeout = limit }
	tests := map[string]struct {
		first  time.Duration // until the first server is full
		begun  time.Duration // before Do
		set    func(*Request)
		kind   Kind
		phase  Phase
		took   time.Duration
		asked  int32 // connections to the second server
		blamed int   // how often the second server is
	}{
		"most of it":                   {first: 40 * time.Second, set: byFirst, kind: Timeout, phase: httpclient.FirstByte, took: limit, asked: 1},
		"most of it, of the whole":     {first: 40 * time.Second, set: byWhole, kind: Timeout, phase: Whole, took: limit, asked: 1},
		"nearly none":                  {first: time.Second, set: byFirst, kind: Timeout, phase: httpclient.FirstByte, took: limit, asked: 1, blamed: 1},
		"nearly none, of the whole":    {first: time.Second, set: byWhole, kind: Timeout, phase: Whole, took: limit, asked: 1, blamed: 1},
		"all of it":                    {first: limit + time.Second, set: byFirst, kind: Busy, took: limit},
		"begun before":                 {first: time.Second, begun: limit / 2, set: byFirst, kind: Timeout, phase: httpclient.FirstByte, took: limit / 2, asked: 1},
		"over before":                  {begun: limit + time.Second, set: byWhole, kind: Timeout, phase: Whole},
		"begun before, nearly at once": {first: time.Second, begun: time.Second, set: byFirst, kind: Timeout, phase: httpclient.FirstByte, took: limit - time.Second, asked: 1, blamed: 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a, _ := piped(t, fullAfter(tt.first))
				b, dials := piped(t, silent)
				f := &failures{}
				p := NewPool("", []*Server{b, a}, func(s *Server) {
					if s == b {
						f.note(s)
					}
				})
				r := post("{}")
				r.ResponseTimeout = 0
				tt.set(r)
				now := time.Now()
				if tt.begun > 0 {
					r.Begun = now.Add(-tt.begun)
				}
				_, err := p.Do(t.Context(), r)
				e := asError(err)
				if e == nil || e.Kind != tt.kind || e.Phase != tt.phase {
					t.Fatalf("error %v, want %v %v", err, tt.kind, tt.phase)
				}
				if took := time.Since(now); took < tt.took || took > tt.took+limit/8 {
					t.Errorf("it took %v, want %v and an eighth of %v at most", took, tt.took, limit)
				}
				if dials.Load() != tt.asked || f.of(b) != tt.blamed {
					t.Errorf("the second server was asked %d times and blamed %d times, want %d and %d", dials.Load(), f.of(b), tt.asked, tt.blamed)
				}
			})
		})
	}
}

// TestNoTimeToConnect: connecting does not take longer than the answer may, and a
// server is not away because there was no time for it.
func TestNoTimeToConnect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := piped(t, silent, func(o *setup) {
			o.ConnectTimeout = time.Minute
			o.Dial = func(ctx context.Context, _, _ string) (net.Conn, error) {
				<-ctx.Done()
				return nil, ctx.Err()
			}
		})
		f := &failures{}
		r := post("{}")
		r.ResponseTimeout, r.FirstByteTimeout = 0, 10*time.Second
		begin := time.Now()
		r.Begun = begin.Add(-5 * time.Second)
		_, err := NewPool("", []*Server{s}, f.note).Do(t.Context(), r)
		e := asError(err)
		if e == nil || e.Kind != Timeout || e.Phase != httpclient.FirstByte || e.Sent {
			t.Errorf("error %v, want that no first byte came in time, and nothing was sent", err)
		}
		if took := time.Since(begin); took != 5*time.Second {
			t.Errorf("it took %v, want the 5 s that were left", took)
		}
		if !s.breaker.condition().Reachable || f.of(s) != 0 {
			t.Errorf("the server is said to be away, or blamed: %+v", s.breaker.condition())
		}
	})
}
