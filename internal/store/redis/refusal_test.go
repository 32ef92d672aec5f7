package redis

import (
	"errors"
	"strings"
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
	"github.com/token-rate-limiter/token-rate-limiter/internal/limit/limittest"
	"github.com/token-rate-limiter/token-rate-limiter/internal/redistest"
)

// of is a policy of the model called name.
func of(t *testing.T, name string) *limit.Policy {
	t.Helper()
	return limittest.Policy(t, limit.PolicyOptions{
		Model: name, User: []limit.Limit{{Meter: limit.Tokens, Window: limit.Minute, Max: 1000}}, MaxConcurrent: 1000,
	})
}

// command sends a command to a server.
func command(t *testing.T, server *redistest.Server, args ...string) {
	t.Helper()
	if _, err := server.Do(args...); err != nil {
		t.Fatalf("%q: %v", args, err)
	}
}

// mustRefuse asks for a decision that the server does not make.
func mustRefuse(t *testing.T, s *Store, p *limit.Policy) {
	t.Helper()
	if g, _, err := tryReserve(t.Context(), s, p, "u"); !errors.Is(err, limit.ErrUnavailable) || g.IsOpen() {
		t.Fatalf("Reserve of %s: %v, want ErrUnavailable", p.Model(), err)
	}
}

// TestOneModelIsRefused: what the server refuses of one model, for whatever reason,
// is told of that model, and passes by itself; the store decides all the time.
func TestOneModelIsRefused(t *testing.T) {
	for name, tt := range map[string]struct {
		begin, end []string
		says       string
	}{
		"a foreign account": {
			[]string{"SET", "token:usage:{ill}:u", "foreign"}, []string{"DEL", "token:usage:{ill}:u"}, "WRONGTYPE"},
		"a foreign account of the model": {
			[]string{"SET", "token:usage:{ill}", "foreign"}, []string{"DEL", "token:usage:{ill}"}, "WRONGTYPE"},
		"foreign replicas": {
			[]string{"SET", "token:concurrent:{ill}", "foreign"}, []string{"DEL", "token:concurrent:{ill}"}, "WRONGTYPE"},
		"a permission": {
			[]string{"ACL", "SETUSER", "gateway", "resetkeys", "~token:*{}*", "~token:*{well}*"}, []string{"ACL", "SETUSER", "gateway", "~token:*"}, "NOPERM"},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, Options{Timeout: patient, heartbeat: -1})
			ill, well := of(t, "ill"), of(t, "well")
			command(t, shared, tt.begin...)
			t.Cleanup(func() { command(t, shared, "ACL", "SETUSER", "gateway", "~token:*") })
			mustRefuse(t, s, ill)
			if err := s.Refused("ill"); err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("Refused: %v, want what the server answered", err)
			}
			check := func(when string) {
				t.Helper()
				if err := s.Ping(t.Context()); err != nil {
					t.Errorf("%s, Ping: %v", when, err)
				}
			}
			check("while nothing is known of another model")
			mustReserve(t, s, well, "u", output(10))
			check("while another model is well")
			if err := s.Refused("well"); err != nil {
				t.Errorf("Refused of another model: %v", err)
			}
			command(t, shared, tt.end...)
			s.renew()
			if err := s.Refused("ill"); err != nil {
				t.Errorf("Refused, once the cause has gone: %v", err)
			}
			mustReserve(t, s, ill, "u", output(10))
		})
	}
}

// TestOtherPermissions: a store that may use the keys of one model only decides, as
// long as it knows that model.
func TestOtherPermissions(t *testing.T) {
	s := open(t, Options{Timeout: patient, heartbeat: -1})
	mustReserve(t, s, of(t, "well"), "u", output(10))
	t.Cleanup(func() { command(t, shared, "ACL", "SETUSER", "gateway", "~token:*") })
	command(t, shared, "ACL", "SETUSER", "gateway", "resetkeys", "~token:*{well}*")
	mustRefuse(t, s, of(t, "ill"))
	if err := s.Ping(t.Context()); err != nil {
		t.Errorf("Ping: %v, though a model is decided", err)
	}
}

// TestTakenAgainWithOtherPermissions: what was refused of the only model whose keys the
// store may use, and is taken again, is found out by Ping.
func TestTakenAgainWithOtherPermissions(t *testing.T) {
	s := open(t, Options{Timeout: patient, heartbeat: -1})
	t.Cleanup(func() { command(t, shared, "ACL", "SETUSER", "gateway", "~token:*") })
	command(t, shared, "ACL", "SETUSER", "gateway", "resetkeys", "~token:*{ill}*")
	command(t, shared, "SET", "token:usage:{ill}", "foreign")
	mustRefuse(t, s, of(t, "ill"))
	command(t, shared, "DEL", "token:usage:{ill}")
	if err := s.Ping(t.Context()); err != nil {
		t.Errorf("Ping: %v, though the model is decided again", err)
	}
}

// TestForeignAccountsOfUsers: one user's account that cannot be read is not the
// model's trouble.
func TestForeignAccountsOfUsers(t *testing.T) {
	s := open(t, Options{Timeout: patient, heartbeat: -1})
	p := of(t, "ill")
	command(t, shared, "SET", "token:usage:{ill}:u", "foreign")
	mustRefuse(t, s, p)
	s.renew()
	if err := s.Refused("ill"); err != nil {
		t.Errorf("Refused: %v", err)
	}
	mustRefuse(t, s, p)
	mustReserve(t, s, p, "v", output(10))
	if err := s.Refused("ill"); err != nil {
		t.Errorf("Refused, though others are decided: %v", err)
	}
}

// TestEveryModelIsRefused: a server that takes nothing of any model decides nothing,
// as soon as it has refused one, and Ping tells why.
func TestEveryModelIsRefused(t *testing.T) {
	server := redistest.Start(t)
	s := join(t, server, Options{Timeout: patient, heartbeat: -1})
	a, b := of(t, "a"), of(t, "b")
	g := mustReserve(t, s, a, "u", output(100))
	mustReserve(t, s, b, "u", output(100))
	command(t, server, "CONFIG", "SET", "min-replicas-to-write", "1")
	if err := s.Ping(t.Context()); err != nil {
		t.Errorf("Ping, before anything was refused: %v", err)
	}
	mustRefuse(t, s, a)
	if err := s.Ping(t.Context()); !errors.Is(err, limit.ErrUnavailable) || !strings.Contains(err.Error(), "NOREPLICAS") {
		t.Errorf("Ping: %v, want what the server answered", err)
	}
	s.Settle(g, output(30))
	if st := s.Stats(); st.Waiting != 1 {
		t.Errorf("%d settlements wait, want 1", st.Waiting)
	}

	command(t, server, "CONFIG", "SET", "min-replicas-to-write", "0")
	if err := s.Ping(t.Context()); err != nil {
		t.Errorf("Ping, once the cause has gone: %v", err)
	}
	eventually(t, "the settlement", func() bool { return s.Stats().Waiting == 0 })
	if err := errors.Join(s.Refused("a"), s.Refused("b")); err != nil {
		t.Errorf("Refused: %v", err)
	}
	mustStand(t, s, a, "u", standing{30, 0, 0})
}
