package redis

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/redistest"
)

// TestHeartbeatsGoTogether renews the leases on 500 models of a server that is 25 ms away,
// which knows no script yet: in a fraction of the time that they would take one after
// another, which is longer than a lease.
func TestHeartbeatsGoTogether(t *testing.T) {
	const models, away = 500, 25 * time.Millisecond
	server := redistest.Start(t)
	s, err := New(t.Context(), Options{Address: server.NewLink(t, away/2).Addr, Timeout: time.Second, heartbeat: -1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close(t.Context()) })
	for i := range models {
		s.model(fmt.Sprint("m", i))
	}
	for range 2 {
		start := time.Now()
		s.renew()
		took := time.Since(start)
		t.Logf("%d heartbeats took %v", models, took.Round(time.Millisecond))
		if took > models*away/3 {
			t.Errorf("%d heartbeats took %v; one after another they take %v", models, took, models*away)
		}
		for _, m := range s.all() {
			if err := m.leases.Load(); err != nil || m.lease.Load() < start.Sub(s.started).Milliseconds() {
				t.Fatalf("%s has a lease of %d, %v", m.name, m.lease.Load(), err)
			}
		}
	}
	if keys, err := server.Do("DBSIZE"); err != nil || keys != int64(models) {
		t.Errorf("there are the replicas of %v models, %v", keys, err)
	}
}

// TestHeartbeatsOfManyRefused renews the leases on many models of which the server refuses
// some: the others have theirs, and it is known which are refused.
func TestHeartbeatsOfManyRefused(t *testing.T) {
	s := open(t, Options{Timeout: patient, heartbeat: -1})
	for i := range 300 {
		m := s.model(fmt.Sprint("m", i))
		if i%7 == 0 {
			must(t, shared, "SET", m.replicas, "not a hash")
		}
	}
	s.renew()
	for i := range 300 {
		m := s.model(fmt.Sprint("m", i))
		if refused := m.refused() != nil; refused != (i%7 == 0) {
			t.Errorf("m%d is refused: %v", i, refused)
		}
		if given := m.lease.Load() != 0; given != (i%7 != 0) {
			t.Errorf("m%d has a lease: %v", i, given)
		}
		if i%7 == 0 {
			must(t, shared, "DEL", m.replicas)
		}
	}
	if !s.gate.isOpen() {
		t.Error("the gate has closed")
	}
	s.renew()
	for _, m := range s.all() {
		if m.refused() != nil {
			t.Errorf("%s is refused still: %v", m.name, m.refused())
		}
	}
}

// TestBeats: heartbeats come by themselves, and at once for a model that is served anew.
func TestBeats(t *testing.T) {
	for name, every := range map[string]time.Duration{"from time to time": 5 * time.Millisecond, "at once": time.Hour} {
		var beats atomic.Int64
		s := open(t, Options{Timeout: patient, heartbeat: every, Observe: func(operation string, _ time.Duration, _ error) {
			if operation == "heartbeat" {
				beats.Add(1)
			}
		}})
		if every == time.Hour {
			s.Serve([]string{"m"})
			eventually(t, name, func() bool { return beats.Load() == 1 })
			continue
		}
		s.model("m") // of which nobody tells
		eventually(t, name, func() bool { return beats.Load() > 3 })
	}
}

// TestTakenAgainHurries: where the server takes again what it has refused, settlements that
// wait are tried at once; and only there.
func TestTakenAgainHurries(t *testing.T) {
	s := open(t, Options{Timeout: patient, heartbeat: -1})
	p := newProgram(minute(t, 1000))
	refused := refusalOf(t, s, "WRONGTYPE no")
	ways := map[string]func(*model){
		"heartbeats": func(m *model) { s.renewAll(s.ctx, batchTimeout, []*model{m}) },
		"a look":     func(m *model) { s.look(t.Context(), m) },
	}
	for name, tt := range map[string]struct {
		decisions, leases bool   // are refused
		foreign           string // key that holds what is no account
		want              bool
	}{
		"decisions":                       {decisions: true, want: true},
		"leases":                          {leases: true, want: true},
		"both":                            {decisions: true, leases: true, want: true},
		"nothing was refused":             {},
		"decisions, which still are":      {decisions: true, foreign: modelKey("m")},
		"leases, which still are":         {leases: true, foreign: replicasKey("m")},
		"leases, which decisions are not": {decisions: true, leases: true, foreign: replicasKey("m")},
	} {
		for way, renew := range ways {
			must(t, shared, "FLUSHALL")
			if tt.foreign != "" {
				must(t, shared, "SET", tt.foreign, "foreign")
			}
			m := newModel("m")
			m.outbox = newOutbox(s, m)
			m.latest.Store(p)
			m.rehearsal.on.Store(1)
			if tt.decisions {
				m.decisions.note(refused)
			}
			if tt.leases {
				m.leases.note(refused)
			}
			renew(m)
			if got := len(m.outbox.hurry) == 1; got != tt.want {
				t.Errorf("%s, by %s: hurried: %v, want %v", name, way, got, tt.want)
			}
			if doubted := m.rehearsal.on.Load() == 0; doubted != (tt.foreign == replicasKey("m")) {
				t.Errorf("%s, by %s: the commands are in doubt: %v", name, way, doubted)
			}
		}
	}
}
