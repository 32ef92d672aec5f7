package redis

import (
	"fmt"
	"testing"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
	"github.com/token-rate-limiter/token-rate-limiter/internal/limit/limittest"
)

const listKey = "token:usage:{llama2-7b}.users"

// TestListIsTidied: a user of whom nothing counts any more leaves the list, which expires by
// itself once nobody uses the model.
func TestListIsTidied(t *testing.T) {
	clock := limittest.NewClock()
	s := open(t, Options{Now: clock.Now, Timeout: patient, heartbeat: -1})
	short := minute(t, 1000)
	long := limittest.Policy(t, limit.PolicyOptions{User: []limit.Limit{{Meter: limit.Tokens, Window: limit.Day, Max: 1000}}})
	length := func() int { h, _ := shared.Hash(listKey); return len(h) }
	for i := range 700 { // more than a heartbeat looks at
		s.Settle(mustReserve(t, s, short, fmt.Sprint("user ", i), output(1)), output(1))
	}
	s.Settle(mustReserve(t, s, long, "long", output(1)), output(1))
	mustFlush(t, s)
	mustLive(t, listKey, 25*time.Hour)

	clock.Advance(listedTTL)
	s.renew()
	s.renew() // which has looked at all
	if got := length(); got != 701 {
		t.Fatalf("%d are listed while something may count, want 701", got)
	}
	clock.Advance(time.Minute)
	s.renew()
	if got := length(); got != 701 {
		t.Fatalf("%d are listed, want 701: it was looked a minute ago", got)
	}
	clock.Advance(tidyEvery)
	for range 5 {
		s.renew()
	}
	if got, _ := shared.Hash(listKey); len(got) != 1 || got["long"] == "" {
		t.Fatalf("listed are %d, want one: long", len(got))
	}
	clock.Advance(25 * time.Hour)
	s.renew()
	if got := length(); got != 0 {
		t.Errorf("%d are listed after a day, want none", got)
	}
}

// TestListCostsNothing: a user is noted once in half an hour, or in a minute where no window
// is a day; what comes between writes nothing to the list.
func TestListCostsNothing(t *testing.T) {
	for window, every := range map[limit.Window]time.Duration{limit.Minute: time.Minute, limit.Day: 30 * time.Minute} {
		clock := limittest.NewClock()
		s := open(t, Options{Now: clock.Now, Timeout: patient, heartbeat: -1})
		p := limittest.Policy(t, limit.PolicyOptions{User: []limit.Limit{{Meter: limit.Tokens, Window: window, Max: 1 << 40}}})
		noted := func() string { h, _ := shared.Hash(listKey); return h["u"] }
		request := func() { s.Settle(mustReserve(t, s, p, "u", output(2)), output(1)); mustFlush(t, s) }
		request()
		first := noted()
		clock.Advance(every - time.Millisecond)
		request()
		if got := noted(); got != first || first == "" {
			t.Errorf("%v: noted until %s, and %v later until %s; want once", window, first, every, got)
		}
		clock.Advance(time.Millisecond)
		request()
		if got := noted(); got == first {
			t.Errorf("%v: in the next slot it is noted until %s still", window, got)
		}
	}
}

// TestListThatCannotBeWritten: what stands in its place keeps no request from being charged.
func TestListThatCannotBeWritten(t *testing.T) {
	s := open(t, Options{Timeout: patient})
	must(t, shared, "SET", listKey, "not a hash")
	p := minute(t, 1000)
	s.Settle(mustReserve(t, s, p, "u", output(10)), output(4))
	mustFlush(t, s)
	mustStand(t, s, p, "u", standing{4, 0, 0})
	if _, err := s.Users(t.Context(), p, "", 10); err == nil {
		t.Error("a list that cannot be read is told as none")
	}
}

// TestListBesideTheReleaseBefore: whom a replica of the release before has charged is not
// listed, until one of this release charges the user in another half hour.
func TestListBesideTheReleaseBefore(t *testing.T) {
	clock := limittest.NewClock()
	s := open(t, Options{Now: clock.Now, Timeout: patient, heartbeat: -1})
	p := limittest.Policy(t, limit.PolicyOptions{User: []limit.Limit{{Meter: limit.Tokens, Window: limit.Day, Max: 1000}}})
	old := &oldReplica{t: t, s: s, p: p}
	g, _ := old.reserve("u", output(5))
	old.settle(g, output(5))
	listed := func() int {
		page, err := s.Users(t.Context(), p, "", 10)
		if err != nil {
			t.Fatal(err)
		}
		return len(page.Users)
	}
	if got := listed(); got != 0 {
		t.Fatalf("%d are listed; the release before lists nobody", got)
	}
	clock.Advance(30 * time.Minute)
	s.Settle(mustReserve(t, s, p, "u", output(1)), output(1))
	mustFlush(t, s)
	if got := listed(); got != 1 {
		t.Errorf("%d are listed, want 1", got)
	}
}

// TestListGrows: whom a window of a day begins to count is listed for a day.
func TestListGrows(t *testing.T) {
	clock := limittest.NewClock()
	s := open(t, Options{Now: clock.Now, Timeout: patient, heartbeat: -1})
	p := limittest.Policy(t, limit.PolicyOptions{User: []limit.Limit{{Meter: limit.Tokens, Window: limit.Minute, Max: 1000}, {Meter: limit.Tokens, Window: limit.Day, Max: 1000}}})
	mustReserve(t, s, minute(t, 1000), "u", output(1))
	first, _ := shared.Hash(listKey)
	mustReserve(t, s, p, "u", output(1))
	if second, _ := shared.Hash(listKey); second["u"] <= first["u"] {
		t.Errorf("listed until %s, and with a day until %s", first["u"], second["u"])
	}
}

// TestResetKeepsAccount: an account that was reset in a new minute lives, and is listed, for
// what is charged in that minute.
func TestResetKeepsAccount(t *testing.T) {
	clock := limittest.NewClock()
	s := open(t, Options{Now: clock.Now, Timeout: patient, heartbeat: -1})
	p := limittest.Policy(t, limit.PolicyOptions{User: []limit.Limit{{Meter: limit.Tokens, Window: limit.Day, Max: 1000}}})
	mustReserve(t, s, p, "u", output(1))
	const key = "token:usage:{llama2-7b}:u"
	first, _ := shared.Hash(listKey)
	must(t, shared, "PEXPIRE", key, "100000")
	clock.Advance(30 * time.Minute)
	if _, err := s.Reset(t.Context(), p, "u", limit.Reset{ID: "x"}); err != nil {
		t.Fatal(err)
	}
	mustLive(t, key, 24*time.Hour+30*time.Minute)
	if second, _ := shared.Hash(listKey); second["u"] <= first["u"] {
		t.Errorf("listed until %s, and after the reset until %s", first["u"], second["u"])
	}
}

// TestListStaysShort: names that come without end are dropped as fast as they come, when their
// time is over.
func TestListStaysShort(t *testing.T) {
	clock := limittest.NewClock()
	s := open(t, Options{Now: clock.Now, Timeout: patient, heartbeat: -1})
	p := minute(t, 1000)
	mustReserve(t, s, p, "u", output(1))
	const each, short = 900, 2 * time.Minute // 300 a second, each for two minutes
	names := 0
	for range 300 {
		args := []string{"HSET", "token:usage:{" + p.Model() + "}.users"}
		for range each {
			names++
			args = append(args, fmt.Sprint("x", names), fmt.Sprint(int64(clock.Now())+short.Milliseconds()))
		}
		must(t, shared, args...)
		clock.Advance(heartbeatEvery)
		s.renew()
	}
	list, err := shared.Hash("token:usage:{" + p.Model() + "}.users")
	if most := 4 * each * int(short/heartbeatEvery); err != nil || len(list) > most {
		t.Errorf("after %d names the list has %d, more than %d: %v", names, len(list), most, err)
	}
}
