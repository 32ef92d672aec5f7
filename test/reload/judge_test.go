package reload

import (
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/token-rate-limiter/token-rate-limiter/internal/admin"
	"github.com/token-rate-limiter/token-rate-limiter/internal/apptest"
)

// judge compares what clients saw and what the gateway has charged with the
// ledger.
type judge struct {
	g      *apptest.Gateway
	site   site
	visits []*visit
	lines  map[string]line // of the log, by request
}

// line is what the gateway has charged for a request.
type line struct {
	Msg, ID       string
	Status        int
	Input, Output int64
	Stopped       bool
	Estimated     bool
}

func (l line) tokens() int64 { return l.Input + l.Output }

// read reads the log.
func (j *judge) read(t *testing.T) {
	t.Helper()
	j.lines = map[string]line{}
	for text := range strings.Lines(j.g.Logs.String()) {
		var l line
		if err := json.Unmarshal([]byte(text), &l); err != nil {
			t.Fatalf("%v: %s", err, text)
		}
		if l.Msg == "request" {
			j.lines[l.ID] = l
		}
	}
}

// stopped reports whether the request is one that its limit has to stop.
func (v *visit) stopped() bool {
	return v.status == http.StatusOK && v.limit == narrow && v.wants >= narrow
}

// kinds are what there has to be enough of.
var kinds = map[string]func(*visit) bool{
	"denied under the narrow limit":  func(v *visit) bool { return v.status == http.StatusTooManyRequests },
	"of a model that is not served":  func(v *visit) bool { return v.status == http.StatusNotFound },
	"of a model that comes and goes": func(v *visit) bool { return v.status == http.StatusOK && v.model == visitor },
	"stopped at the narrow limit":    (*visit).stopped,
	"longer than the narrow limit":   func(v *visit) bool { return v.limit >= wide && v.wants > narrow },
	"JSON":                           func(v *visit) bool { return v.status == http.StatusOK && !v.stream },
}

// tally counts requests by their kinds. It is safe for concurrent use.
type tally struct {
	mu     sync.Mutex
	counts map[string]int
}

func (c *tally) add(v *visit) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for kind, is := range kinds {
		if is(v) {
			c.counts[kind]++
		}
	}
}

// full reports whether there is one of every kind.
func (c *tally) full() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.counts) == len(kinds)
}

// answers checks that each request is treated by the limits that it was admitted
// under.
func (j *judge) answers(t *testing.T) {
	for _, v := range j.visits {
		l := j.lines[v.id]
		switch ok := v.status; {
		case ok == http.StatusNotFound && v.model == visitor:
		case ok == http.StatusTooManyRequests && v.limit == narrow && strings.HasPrefix(v.user, "stays"):
		case ok != http.StatusOK:
			t.Errorf("%v: it fails", v)
		case !v.whole:
			t.Errorf("%v: it is broken off", v)
		case v.stopped() && (!v.length || v.got >= narrow):
			t.Errorf("%v: its limit does not stop it", v)
		case v.limit >= wide && (v.length || l.Stopped || v.got != v.wants):
			t.Errorf("%v: it is stopped, and not by its limit", v)
		case v.limit != narrow && v.limit < wide:
			t.Errorf("%v: nobody has set this limit", v)
		}
	}
}

// charges checks that each request is charged what it has cost.
func (j *judge) charges(t *testing.T) {
	for _, v := range j.visits {
		l, attempts := j.lines[v.id], j.g.Ledger.Attempts(v.id)
		if v.status != http.StatusOK {
			if l.tokens() != 0 || len(attempts) != 0 {
				t.Errorf("%v: it is charged %d tokens, and was sent %d times", v, l.tokens(), len(attempts))
			}
			continue
		}
		if len(attempts) != 1 {
			t.Errorf("%v: it was sent %d times", v, len(attempts))
			continue
		}
		spent := attempts[0].Input + attempts[0].Output
		switch {
		case l.Stopped:
			if l.tokens() < v.got+attempts[0].Input || l.tokens() > min(spent, narrow) {
				t.Errorf("%v: it is stopped and charged %d tokens, and has cost %d", v, l.tokens(), spent)
			}
		case l.tokens() != spent || l.Estimated:
			t.Errorf("%v: it is charged %d tokens (estimated: %v), and has cost %d", v, l.tokens(), l.Estimated, spent)
		}
	}
}

// accounts checks that the accounts hold the sum of the charges, and that
// further reloads change none of it.
func (j *judge) accounts(t *testing.T, reloads int) {
	type account struct{ model, user string }
	users, models := map[account]int64{}, map[string]int64{}
	for _, v := range j.visits {
		if v.status == http.StatusOK {
			users[account{v.model, v.user}] += j.lines[v.id].tokens()
			models[v.model] += j.lines[v.id].tokens()
		}
	}
	last := reloads - reloads%6
	j.settled(t, last)
	for n := last; n <= last+4; n += 2 { // all of these serve the visitor
		j.configure(t, n)
		for a, want := range users {
			u := j.g.UsageOf(t, a.model, a.user)
			if got := sums(u); got["user tokens"] != want || got["model tokens"] != models[a.model] || got["reserved"] != 0 || got["running"] != 0 {
				t.Errorf("configuration %d: %s on %s has %v, and was charged %d of %d tokens", n, a.user, a.model, got, want, models[a.model])
			}
		}
	}
	want, got := int64(0), int64(0)
	for _, v := range j.visits {
		want += j.lines[v.id].tokens()
	}
	for _, n := range models {
		got += n
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the charges of all requests (-logged +in accounts):\n%s", diff)
	}
}

// configure applies the nth configuration.
func (j *judge) configure(t *testing.T, n int) {
	t.Helper()
	j.g.WriteConfig(t, j.site.configuration(n))
	j.g.Reload()
}

// settled waits until nothing is reserved by anybody.
func (j *judge) settled(t *testing.T, n int) {
	t.Helper()
	j.configure(t, n)
	if !apptest.Eventually(func() bool {
		return sums(j.g.UsageOf(t, apptest.Model, "nobody"))["reserved"]+sums(j.g.UsageOf(t, visitor, "nobody"))["reserved"] == 0
	}) {
		t.Error("some requests are never settled")
	}
}

// sums returns what is used of tokens in the window of a day, by scope, and what
// is reserved and running anywhere.
func sums(u admin.Usage) map[string]int64 {
	s := map[string]int64{}
	for _, w := range u.Windows {
		if w.Meter == "tokens" && w.Window == "day" {
			s[w.Scope+" tokens"] = w.Used
		}
		s["reserved"] += w.Reserved
	}
	for _, c := range u.Concurrency {
		s["running"] += c.Running
	}
	return s
}
