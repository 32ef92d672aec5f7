package upstream

import (
	"context"
	"net/http"
	"sync/atomic"
	"testing"
	"time"
)

// askAs does a request of a caller on p, and returns its status and error.
func askAs(t testing.TB, p *Pool, caller string) (status int, failure *Error) {
	t.Helper()
	r := post("{}")
	r.Caller = caller
	response, err := p.Do(t.Context(), r)
	if err != nil {
		return 0, err.(*Error)
	}
	_ = response.Body.Close()
	return response.Status, nil
}

// TestPoolSparesOthers: a caller whose requests fail at all servers keeps itself from
// them, and nobody else.
func TestPoolSparesOthers(t *testing.T) {
	stumbles := func() string {
		return serveHTTP(t, func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("X-Bad") != "" {
				w.WriteHeader(http.StatusInternalServerError)
			}
		}).URL
	}
	for _, addresses := range [][]string{{stumbles()}, {stumbles(), stumbles(), stumbles()}} {
		p, _ := poolOf(t, addresses...)
		bad := post("{}")
		bad.Caller, bad.Header = "mallory", []Field{{Name: "X-Bad", Value: "1"}}
		refused := 0
		for range 30 { // nobody else is there
			r, err := p.Do(t.Context(), bad)
			if err != nil {
				refused++
				continue
			}
			_ = r.Body.Close()
		}
		if refused != 30-len(addresses)*DefaultFailures {
			t.Errorf("%d servers: %d of 30 requests are kept from them", len(addresses), refused)
		}
		for range 50 {
			if status, failure := askAs(t, p, "alice"); status != http.StatusOK {
				t.Fatalf("%d servers: another caller gets %d, %v", len(addresses), status, failure)
			}
			for range 5 {
				if r, err := p.Do(t.Context(), bad); err == nil {
					_ = r.Body.Close()
				}
			}
		}
	}
}

// TestPoolDeadlyCaller: a request that kills its servers is tried at three, and the
// next one of its caller at one.
func TestPoolDeadlyCaller(t *testing.T) {
	var hit atomic.Int32
	var addresses []string
	for range 6 {
		addresses = append(addresses, listenOnce(t, func(_ int, c *peer) {
			c.request()
			hit.Add(1)
			_ = c.SetDeadline(time.Now())
		}).url())
	}
	p, _ := poolOf(t, addresses...)
	for i, step := range []struct {
		caller string
		want   int32
	}{{"mallory", 3}, {"mallory", 4}, {"alice", 6}} {
		if _, failure := askAs(t, p, step.caller); failure == nil || hit.Load() != step.want {
			t.Errorf("request %d, of %s: error %v, and %d servers have died, want %d", i, step.caller, failure, hit.Load(), step.want)
		}
	}
	var d deadly
	d.note(1, time.Now())
	for range deadlyOptions.Outcomes {
		if !d.known(1, time.Now()) || d.known(2, time.Now()) {
			t.Fatal("who has killed all servers is not told from others")
		}
		d.served(1)
	}
	if d.known(1, time.Now()) || d.known(1, time.Now().Add(callerActive)) {
		t.Error("ten answers are not enough to be as others are")
	}
}

// TestReached: which requests have come to a model server, and which of them it has
// declined.
func TestReached(t *testing.T) {
	dies := func(t testing.TB) string {
		return listenOnce(t, func(_ int, c *peer) {
			c.request()
			_ = c.SetDeadline(time.Now())
		}).url()
	}
	closes := func(t testing.TB) string {
		return listen(t, func(_ int, c *peer) { c.request() }).url()
	}
	breaksOff := func(head string) func(t testing.TB) string {
		return func(t testing.TB) string {
			return listen(t, func(_ int, c *peer) {
				c.request()
				c.say(head + "Transfer-Encoding: chunked\r\n\r\n")
			}).url()
		}
	}
	is := func(health int) func(t testing.TB) string {
		return func(t testing.TB) string { return full(t, health) }
	}
	type endpoints []func(t testing.TB) string
	for _, tt := range []struct {
		name              string
		servers           endpoints // the last is asked first, if there are two
		kind              Kind
		reached, declined bool
	}{
		{"nobody listens", endpoints{closedAddress}, Refused, false, false},
		{"its queue is full", endpoints{is(200)}, Busy, false, true},
		{"it is ill", endpoints{is(503)}, Away, true, true},
		{"it closes", endpoints{closes}, Closed, true, false},
		{"it breaks off an answer", endpoints{breaksOff("HTTP/1.1 200 OK\r\n")}, Broken, true, false},
		{"it breaks off a failure", endpoints{breaksOff("HTTP/1.1 500 No\r\n")}, Broken, true, true},
		{"it dies, and the other one is full", endpoints{is(200), dies}, Closed, true, false},
		{"its queue is full, and the other one dies", endpoints{dies, is(200)}, Busy, true, true},
		{"it dies, and nobody is at the other one", endpoints{closedAddress, dies}, Closed, true, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var addresses []string
			for _, s := range tt.servers {
				addresses = append(addresses, s(t))
			}
			p, _ := poolOf(t, addresses...)
			_, failure := askAs(t, p, "alice")
			if failure == nil {
				t.Fatal("there is no error")
			}
			if failure.Kind != tt.kind || failure.Reached != tt.reached || failure.Declined != tt.declined {
				t.Errorf("%v (%v): reached: %v, declined: %v; want %v, %v, %v",
					failure, failure.Kind, failure.Reached, failure.Declined, tt.kind, tt.reached, tt.declined)
			}
		})
	}
	ctx, leave := context.WithCancel(t.Context())
	leave()
	p, _ := poolOf(t, closes(t))
	if _, err := p.Do(ctx, post("{}")); asError(err).Reached {
		t.Error("a request of a client that had left has come to a model server")
	}
}

// TestPoolTriesNoSecondOne: a request that one server has died of is no trial for one
// that fails.
func TestPoolTriesNoSecondOne(t *testing.T) {
	var asked atomic.Int32
	failing := serveHTTP(t, func(http.ResponseWriter, *http.Request) { asked.Add(1) })
	p, _ := poolOf(t, failing.URL, listenOnce(t, func(_ int, c *peer) {
		c.request()
		_ = c.SetDeadline(time.Now())
	}).url())
	outcomesOf(&p.servers[0].breaker, time.Now(), "AAAAA")
	if _, failure := askAs(t, p, "alice"); failure == nil || failure.Kind != Closed || asked.Load() != 0 {
		t.Errorf("error %v, and the failing server was asked %d times", failure, asked.Load())
	}
	if status, failure := askAs(t, p, "alice"); status != http.StatusOK {
		t.Errorf("there is no other one now, and it is not tried: %d, %v", status, failure)
	}
}

// TestAStreamThatIsComing: a caller whose one answer takes an hour is no less there
// than one who sends five failing requests a second.
func TestAStreamThatIsComing(t *testing.T) {
	s := serveHTTP(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Bad") != "" {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		_ = http.NewResponseController(w).Flush()
		_, _ = w.Write([]byte("data: {}\n\n"))
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
	p, _ := poolOf(t, s.URL)
	stream := post("{}")
	stream.Caller = "alice"
	answer, err := p.Do(t.Context(), stream)
	if err != nil {
		t.Fatal(err)
	}
	bad := post("{}")
	bad.Caller, bad.Header = "mallory", []Field{{Name: "X-Bad", Value: "1"}}
	for range 30 {
		r, err := p.Do(t.Context(), bad)
		if err != nil {
			t.Fatalf("it is taken for broken, although an answer is coming: %v", err)
		}
		_ = r.Body.Close()
	}
	_ = answer.Body.Close()
	for _, c := range p.servers[0].breaker.callers.list {
		if c.flowing != 0 {
			t.Errorf("%d answers are coming at the end", c.flowing)
		}
	}
}

// TestPoolOutvoted: where more than half of the callers fail, who does not fail is served
// all the same, if there is no other server to ask.
func TestPoolOutvoted(t *testing.T) {
	s := serveHTTP(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Bad") != "" {
			w.WriteHeader(http.StatusInternalServerError)
		}
	})
	p, _ := poolOf(t, s.URL)
	opened := 0
	for range 30 {
		for _, name := range []string{"mallory", "mallet", "moriarty"} {
			bad := post("{}")
			bad.Caller, bad.Header = name, []Field{{Name: "X-Bad", Value: "1"}}
			if r, err := p.Do(t.Context(), bad); err == nil {
				_ = r.Body.Close()
			} else {
				opened++
			}
		}
		if status, failure := askAs(t, p, "alice"); status != http.StatusOK {
			t.Fatalf("who does not fail gets %d, %v", status, failure)
		}
	}
	if opened == 0 {
		t.Error("three of four callers have failed, and the breaker has never opened")
	}
}
