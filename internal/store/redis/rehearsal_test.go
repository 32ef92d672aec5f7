package redis

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
	"github.com/token-rate-limiter/token-rate-limiter/internal/redistest"
)

// TestRuleIsWhatScriptsNeed: the rule in the operators' document names the commands
// of the scripts, and those around them.
func TestRuleIsWhatScriptsNeed(t *testing.T) {
	rule, err := redistest.Rule()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, word := range rule {
		if command, ok := strings.CutPrefix(word, "+"); ok {
			got = append(got, strings.ToUpper(command))
		}
	}
	slices.Sort(got)
	want := append([]string{"PING", "INFO", "SELECT", "EVAL", "EVALSHA"}, newScripts(serverClock).commands...)
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the rule in docs/operations.md (-want +got):\n%s", diff)
	}
}

// keysOf returns the names of all keys of a server.
func keysOf(t *testing.T, server *redistest.Server) []string {
	t.Helper()
	reply, err := server.Do("KEYS", "*")
	if err != nil {
		t.Fatal(err)
	}
	var keys []string
	for _, k := range reply.([]any) {
		keys = append(keys, k.(string))
	}
	return keys
}

// needed are the commands without which no model can be served.
func needed() []string {
	return append([]string{"EVAL", "EVALSHA"}, newScripts(serverClock).commands...)
}

// TestLackingCommand: where the server refuses any of the commands that the scripts
// use, nothing is written, not even half of it; what is told names the command; and
// it heals when the command is allowed.
func TestLackingCommand(t *testing.T) {
	for _, lacking := range needed() {
		t.Run(lacking, func(t *testing.T) {
			t.Cleanup(func() { _ = shared.Allow() })
			if err := shared.Allow("-" + strings.ToLower(lacking)); err != nil {
				t.Fatal(err)
			}
			s := open(t, Options{Timeout: patient, heartbeat: -1})
			p := of(t, "ill")
			s.Serve([]string{"ill"})
			if err := s.Ping(t.Context()); err != nil && !strings.Contains(strings.ToUpper(err.Error()), lacking) {
				t.Errorf("Ping: %v", err)
			}
			if err := s.Refused("ill"); err == nil || !strings.Contains(strings.ToUpper(err.Error()), lacking) {
				t.Errorf("Refused, before any request: %v, want %s named", err, lacking)
			}
			var told interface{ Lacking() string }
			if !errors.As(s.Refused("ill"), &told) || told.Lacking() != lacking {
				t.Errorf("the command that is lacking is told as %v", told)
			}
			mustRefuse(t, s, p)
			if keys := keysOf(t, shared); len(keys) > 0 {
				t.Errorf("there are the keys %q", keys)
			}
			if got := s.Stats().Waiting; got != 0 {
				t.Errorf("%d entries wait, though nothing was sent", got)
			}
			if err := shared.Allow(); err != nil {
				t.Fatal(err)
			}
			eventually(t, "served", func() bool {
				g, _, err := tryReserve(t.Context(), s, p, "u")
				return err == nil && g.IsOpen()
			})
			if err := errors.Join(s.Ping(t.Context()), s.Refused("ill")); err != nil {
				t.Errorf("in the end: %v", err)
			}
		})
	}
}

// TestCommandIsTakenAway: a command is refused while requests run. Whatever that is,
// and whatever script meets it first, every settlement is applied once it is allowed
// again, once and whole.
func TestCommandIsTakenAway(t *testing.T) {
	for _, lacking := range needed() {
		for _, flushed := range []bool{false, true} {
			t.Run(fmt.Sprint(lacking, ", scripts forgotten: ", flushed), func(t *testing.T) {
				t.Cleanup(func() { _ = shared.Allow() })
				s := open(t, Options{Timeout: patient, heartbeat: -1})
				p := minute(t, 10000)
				old := mustReserve(t, s, p, "u", output(100))
				s.Settle(mustReserve(t, s, p, "v", output(100)), output(40))
				mustFlush(t, s)
				if flushed {
					command(t, shared, "SCRIPT", "FLUSH")
				}
				if err := shared.Allow("-" + strings.ToLower(lacking)); err != nil {
					t.Fatal(err)
				}
				s.Settle(old, output(30))
				if lacking == "HGET" || lacking == "HKEYS" || lacking == "HSCAN" || lacking == "EVAL" && !flushed { // no script needs it now
					s.model(p.Model()).rehearsal.at.Store(-triedFor.Milliseconds() - 1)
					_ = s.Ping(t.Context())
				}
				eventually(t, "refusal", func() bool { return s.Refused(p.Model()) != nil })
				for range 3 {
					mustRefuse(t, s, p)
				}
				if err := shared.Allow(); err != nil {
					t.Fatal(err)
				}
				mustFlush(t, s)
				eventually(t, "served", func() bool {
					g, _, err := tryReserve(t.Context(), s, p, "w")
					s.Settle(g, limit.Amount{})
					return err == nil
				})
				mustFlush(t, s)
				mustStand(t, s, p, "u", standing{30, 0, 0})
				mustStand(t, s, p, "v", standing{40, 0, 0})
				if err := s.Refused(p.Model()); err != nil {
					t.Errorf("Refused: %v", err)
				}
				if st := s.Stats(); st.Lost != 0 || st.Missing != 0 {
					t.Errorf("lost %d, missing %d", st.Lost, st.Missing)
				}
			})
		}
	}
}

// TestReservationMeetsItFirst: a reservation is what first lacks the command that was taken
// away. It may be written in part, and is undone.
func TestReservationMeetsItFirst(t *testing.T) {
	for _, lacking := range needed() {
		t.Run(lacking, func(t *testing.T) {
			t.Cleanup(func() { _ = shared.Allow() })
			s := open(t, Options{Timeout: patient, heartbeat: -1})
			p := minute(t, 10000)
			s.Settle(mustReserve(t, s, p, "u", output(100)), output(40))
			mustFlush(t, s)
			if err := shared.Allow("-" + strings.ToLower(lacking)); err != nil {
				t.Fatal(err)
			}
			g, _, _ := tryReserve(t.Context(), s, p, "new")
			s.Settle(g, limit.Amount{})
			if err := shared.Allow(); err != nil {
				t.Fatal(err)
			}
			mustFlush(t, s)
			eventually(t, "served", func() bool {
				g, _, err := tryReserve(t.Context(), s, p, "w")
				s.Settle(g, limit.Amount{})
				return err == nil
			})
			mustFlush(t, s)
			mustStand(t, s, p, "new", standing{0, 0, 0})
			mustStand(t, s, p, "u", standing{40, 0, 0})
		})
	}
}

// TestTriedOnReconnecting: another server may be behind the address, with other rights.
func TestTriedOnReconnecting(t *testing.T) {
	server := redistest.Start(t)
	s := join(t, server, Options{Timeout: patient, heartbeat: -1})
	p := minute(t, 1000)
	mustReserve(t, s, p, "u", output(1))
	for _, args := range [][]string{{"FLUSHALL"}, {"ACL", "SETUSER", "default", "-hdel"}, {"CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"}} {
		command(t, server, args...)
	}
	eventually(t, "refusal", func() bool {
		g, _, err := tryReserve(t.Context(), s, p, "u")
		if err == nil {
			t.Fatalf("it is admitted: %v", g)
		}
		return s.Refused(p.Model()) != nil
	})
	if keys := keysOf(t, server); len(keys) > 0 {
		t.Errorf("there are the keys %q", keys)
	}
}

// TestManyModelsAreTriedTogether: not one after the other.
func TestManyModelsAreTriedTogether(t *testing.T) {
	server := redistest.Start(t)
	link := server.NewLink(t, 0)
	s, err := New(t.Context(), Options{Address: link.Addr, Timeout: patient, heartbeat: -1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close(t.Context()) })
	var names []string
	for i := range 200 {
		names = append(names, "model-"+number(i))
	}
	s.Serve(names)
	before := link.Turns()
	if err := s.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	if turns := link.Turns() - before; turns > 40 {
		t.Errorf("%d models took %d round trips", len(names), turns)
	}
	for _, m := range s.all() {
		if m.rehearsal.on.Load() == 0 {
			t.Fatalf("%s was not tried", m.name)
		}
	}
}

// TestWhatIsTriedAgain: commands are tried again of models that are refused or in doubt, and
// now and then of all; what was refused and is taken has settlements tried at once.
func TestWhatIsTriedAgain(t *testing.T) {
	s := open(t, Options{Timeout: patient, heartbeat: -1})
	s.started = s.started.Add(-time.Minute) // so that all times of before are long ago
	m := s.model("m")
	s.tryAll(t.Context())
	now := m.rehearsal.at.Load()
	if now < time.Minute.Milliseconds() || m.rehearsal.on.Load() != s.connections.Load() {
		t.Fatalf("tried at %d on connection %d", now, m.rehearsal.on.Load())
	}
	for name, tt := range map[string]struct {
		age            time.Duration
		refused, doubt bool
		want           bool
	}{
		"lately":          {age: triedFor / 2},
		"long ago":        {age: 2 * triedFor, want: true},
		"refused":         {age: triedFor / 2, refused: true, want: true},
		"in doubt":        {age: triedFor / 2, doubt: true, want: true},
		"in doubt at all": {age: 2 * triedFor, refused: true, doubt: true, want: true},
	} {
		at := time.Since(s.started).Milliseconds() - tt.age.Milliseconds()
		m.rehearsal.at.Store(at)
		m.rehearsal.Store(nil)
		if tt.refused {
			m.rehearsal.Store(&callError{cause: errShut})
		}
		if tt.doubt {
			m.rehearsal.doubted(refusalOf(t, s, "WRONGTYPE no"))
		}
		select {
		case <-m.outbox.hurry:
		default:
		}
		s.tryAll(t.Context())
		if got := m.rehearsal.at.Load() != at; got != tt.want || m.refused() != nil || m.rehearsal.on.Load() == 0 {
			t.Errorf("%s: tried: %v, want %v; refused: %v", name, got, tt.want, m.refused())
		}
		if hurried := len(m.outbox.hurry) == 1; hurried != tt.refused {
			t.Errorf("%s: settlements are hurried: %v", name, hurried)
		}
	}
}

// TestOthersAreTried: models of which the server refuses a command keep no others from
// being tried, many as there may be of both.
func TestOthersAreTried(t *testing.T) {
	s := open(t, Options{Timeout: patient, heartbeat: -1})
	for i := range 4 * triedAtOnce {
		m := s.model("m" + number(i))
		if i%2 == 0 {
			must(t, shared, "SET", m.tryKeys()[0], "foreign")
		}
	}
	s.tryAll(t.Context())
	for i := range 4 * triedAtOnce {
		m := s.model("m" + number(i))
		if m.rehearsal.on.Load() == 0 || (m.refused() != nil) != (i%2 == 0) || len(m.outbox.hurry) != 0 {
			t.Errorf("%s is tried: %v; refused: %v", m.name, m.rehearsal.on.Load() != 0, m.refused())
		}
	}
}

// TestRefusedIsTriedSeldom: many requests of a model of which a command is refused have it
// tried now and then only.
func TestRefusedIsTriedSeldom(t *testing.T) {
	t.Cleanup(func() { _ = shared.Allow() })
	if err := shared.Allow("-hdel"); err != nil {
		t.Fatal(err)
	}
	tries := 0
	s := open(t, Options{Timeout: patient, heartbeat: -1, Observe: func(operation string, _ time.Duration, _ error) {
		if operation == "try" {
			tries++
		}
	}})
	p, begun := of(t, "ill"), time.Now()
	for range 50 {
		mustRefuse(t, s, p)
	}
	if most := 2 * (2 + int(time.Since(begun)/tryAgain)); tries > most {
		t.Errorf("%d scripts have tried the commands for 50 requests, want %d at the most", tries, most)
	}
}

// TestFailedRehearsalIsNoCall: what waited for a rehearsal that was not answered has not run.
func TestFailedRehearsalIsNoCall(t *testing.T) {
	for _, unsure := range []bool{false, true} {
		err := unsent(&callError{cause: errShut, unsure: unsure})
		if isUnsure(err) || !errors.Is(err, errShut) {
			t.Errorf("unsure %v: %v, and it may have run: %v", unsure, err, isUnsure(err))
		}
	}
	if err := unsent(nil); err != nil {
		t.Error(err)
	}
}
