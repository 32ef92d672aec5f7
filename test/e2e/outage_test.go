package e2e

import (
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/mockvllm"
	"github.com/token-rate-limiter/token-rate-limiter/internal/redistest"
)

const (
	// answerUsually is how long an answer may take while the store is away: its
	// deadline of 50 ms, and what a busy machine adds. answerWithin is for those
	// that the machine keeps waiting.
	answerUsually = 50*time.Millisecond + 200*time.Millisecond
	answerWithin  = 2 * time.Second
	// healWithin is how long a gateway may take to serve again.
	healWithin = 5 * time.Second
)

// outage is a gateway under load whose Redis can be made to fail.
type outage struct {
	*gateway
	redis   *redistest.Server
	streams []*stream
	load    *load
}

// tokens is the length of the streams that outlast an outage.
const tokens = 250

// newOutage starts a gateway with the default deadline, streams on it, and
// load. args are those of its Redis.
func newOutage(t *testing.T, server string, args ...string) *outage {
	t.Helper()
	o := &outage{redis: redistest.Start(t, args...)}
	o.gateway = site{server: server, redis: o.redis, wait: "50ms", models: map[string]string{
		model: "{max-tokens-per-minute: 1000000, max-tokens-per-hour: 10000000, max-concurrent-requests: 50}",
	}}.serve(t)
	for range 5 {
		// A busy machine may miss the deadline even now: try until served.
		eventually(t, patience, "a first answer", func() bool {
			return o.send(t.Context(), chat{user: "alice", tokens: 5}).status == http.StatusOK
		})
	}
	for range 6 {
		o.streams = append(o.streams, o.stream(t))
	}
	for _, s := range o.streams {
		s.await(t, 3)
	}
	o.load = newLoad(t, o.client)
	return o
}

// stream opens a stream that outlasts an outage.
func (o *outage) stream(t *testing.T) *stream {
	t.Helper()
	var s *stream
	eventually(t, patience, "a stream", func() bool {
		r := chat{user: "alice", tokens: tokens, pace: 20, stream: true}
		response, err := o.open(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		if response.StatusCode != http.StatusOK {
			response.Body.Close()
			return false
		}
		s = newStream(t, response)
		return true
	})
	return s
}

// last lets the streams get on while the store is away, each by n tokens.
func (o *outage) last(t *testing.T, n int64) {
	t.Helper()
	var marks []int64
	for _, s := range o.streams {
		marks = append(marks, s.events.Load())
	}
	for i, s := range o.streams {
		s.await(t, min(marks[i]+n, tokens))
	}
}

// checkAway checks that the gateway says at once, in every way, that it cannot
// decide.
func (o *outage) checkAway(t *testing.T) {
	t.Helper()
	eventually(t, healWithin, "not ready", func() bool { return !o.ready() })
	for range 20 {
		a := o.send(t.Context(), chat{user: "bob", tokens: 5})
		wait, err := strconv.Atoi(a.header.Get("Retry-After"))
		if a.status != http.StatusServiceUnavailable || a.failure().Error.Code != "store_unavailable" || err != nil || wait < 1 {
			t.Fatalf("while the store is away the answer is %d %v %s", a.status, a.header, a.body)
		}
	}
	if status, body := o.get("/api/v1/admin/token-usage/" + model + "/alice"); status != http.StatusServiceUnavailable {
		t.Errorf("while the store is away its usage is %d %s", status, body)
	}
	if status, _ := o.get("/actuator/health/liveness"); status != http.StatusOK {
		t.Errorf("liveness is %d: the gateway would be restarted", status)
	}
	// Whoever writes the log looks every second: a shorter outage may never be in it.
	eventually(t, patience, "the store is away, in the log", o.logged("the store is away"))
}

// checkHealed checks that the gateway serves again by itself, and that the
// streams came to their proper end.
func (o *outage) checkHealed(t *testing.T) {
	t.Helper()
	served := eventually(t, healWithin, "an answer", func() bool {
		return o.send(t.Context(), chat{user: "carol", tokens: 5}).status == http.StatusOK
	})
	ready := eventually(t, healWithin, "ready", o.ready)
	t.Logf("serves again after %v, ready %v later", served.Round(time.Millisecond), ready.Round(time.Millisecond))
	for _, s := range o.streams {
		s.finish(t, tokens)
	}
	o.load.end(t)
	eventually(t, patience, "the store is back, in the log", o.logged("the store is back"))
}

// logged returns whether a line of the log has what.
func (o *outage) logged(what string) func() bool {
	return func() bool { return len(o.stderr.lines(what)) > 0 }
}

// restart starts Redis again.
func (o *outage) restart(t *testing.T) {
	t.Helper()
	if err := o.redis.Restart(); err != nil {
		t.Fatal(err)
	}
}

// settled returns whether nothing is running, nor reserved for anybody.
func (o *outage) settled() func() bool {
	return func() bool {
		for _, user := range o.users() {
			u, err := o.lookUp(model, user)
			if err != nil {
				return false
			}
			if _, reserved := u.longest(); reserved != 0 || u.running() != 0 {
				return false
			}
		}
		return true
	}
}

// users returns all users that sent requests.
func (o *outage) users() []string { return append(o.load.users, "alice", "bob", "carol") }

// checkSettled checks that everybody's account comes to have what the ledger
// has.
func (o *outage) checkSettled(t *testing.T, ledger *mockvllm.Ledger) {
	t.Helper()
	eventually(t, healWithin, "settled", o.settled())
	for _, user := range o.users() {
		checkBooked(t, o.client, ledger, user)
	}
}

// TestRedisThatHangsIsOutlived stops Redis in its tracks, under load. What was
// reserved by calls that got no answer is given back, and what ran meanwhile is
// settled to the token.
func TestRedisThatHangsIsOutlived(t *testing.T) {
	t.Parallel()
	ledger, server := newModelServer(t)
	o := newOutage(t, server)
	o.redis.Pause()
	o.checkAway(t)
	o.last(t, 100)
	o.checkAway(t)
	o.redis.Resume()
	o.checkHealed(t)
	o.checkSettled(t, ledger)
}

// TestRedisThatDiesAndRemembersIsOutlived kills a Redis that keeps every write,
// under load, and restarts it. What it was sent last may have been applied or
// not, and is in the end, once.
func TestRedisThatDiesAndRemembersIsOutlived(t *testing.T) {
	t.Parallel()
	ledger, server := newModelServer(t)
	o := newOutage(t, server, "--appendonly", "yes", "--appendfsync", "always")
	for range 3 {
		o.redis.Kill()
		o.checkAway(t)
		o.last(t, 20)
		o.restart(t)
		eventually(t, healWithin, "ready", o.ready)
		o.last(t, 10)
	}
	o.checkHealed(t)
	o.checkSettled(t, ledger)
}

// TestRedisThatDiesIsOutlived kills Redis under load and restarts it empty.
// Nothing is remembered then; what counts is that nothing goes wrong.
func TestRedisThatDiesIsOutlived(t *testing.T) {
	t.Parallel()
	_, server := newModelServer(t)
	o := newOutage(t, server)
	o.redis.Kill()
	o.checkAway(t)
	o.last(t, 50)
	o.restart(t)
	o.checkHealed(t)
	eventually(t, healWithin, "settled", o.settled())
	for _, user := range o.users() {
		for _, w := range o.usage(t, model, user).Windows {
			if w.Used < 0 || w.Reserved < 0 || w.Remaining < 0 || w.Remaining > w.Limit {
				t.Errorf("%s stands at %+v", user, w)
			}
		}
	}
}

// TestRedisThatRemembersLessIsOutlived kills Redis under load and restarts it with what
// it had some time before. Requests run in that which have ended, and others that run
// are missing: all that runs counts again, and nothing else, and nothing is held in
// the end.
func TestRedisThatRemembersLessIsOutlived(t *testing.T) {
	t.Parallel()
	_, server := newModelServer(t)
	o := newOutage(t, server)
	for range 3 {
		if _, err := o.redis.Do("SAVE"); err != nil {
			t.Fatal(err)
		}
		o.last(t, 20)
		o.streams = append(o.streams, o.stream(t))
		o.redis.Kill()
		o.last(t, 5)
		o.restart(t)
		eventually(t, healWithin, "ready", o.ready)
	}
	o.load.end(t)
	eventually(t, healWithin, "the streams, and nothing else", func() bool {
		var left int64
		for _, s := range o.streams {
			if !s.done.Load() {
				left++
			}
		}
		u, err := o.lookUp(model, "alice")
		return err == nil && u.running() == left && left > 0
	})
	for _, s := range o.streams {
		s.finish(t, tokens)
	}
	eventually(t, healWithin, "settled", o.settled())
}

// TestGatewayStartsBeforeItsRedis: it is not ready, and then it is.
func TestGatewayStartsBeforeItsRedis(t *testing.T) {
	t.Parallel()
	_, server := newModelServer(t)
	redis := redistest.Start(t)
	redis.Kill()
	g := site{server: server, redis: redis, models: map[string]string{model: "{max-tokens-per-minute: 10000}"}}.serve(t)
	a := g.send(t.Context(), chat{user: "alice", tokens: 5})
	if a.status != http.StatusServiceUnavailable || a.took > answerWithin || g.ready() {
		t.Errorf("without Redis the answer is %d after %v %s, and readiness %v", a.status, a.took, a.body, g.ready())
	}
	if err := redis.Restart(); err != nil {
		t.Fatal(err)
	}
	eventually(t, healWithin, "ready", g.ready)
	if a := g.send(t.Context(), chat{user: "alice", tokens: 5}); a.status != http.StatusOK {
		t.Errorf("with Redis the answer is %d %s", a.status, a.body)
	}
}
