package redistest

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
)

// mustDo sends a command and fails where it is answered with an error.
func mustDo(t *testing.T, s *Server, args ...string) any {
	t.Helper()
	reply, err := s.Do(args...)
	if err != nil {
		t.Fatalf("%v: %v", args, err)
	}
	return reply
}

func TestReplies(t *testing.T) {
	s := Start(t)
	mustDo(t, s, "HSET", "h", "field", "line\r\nbreak", "empty", "")
	for _, c := range []struct {
		command []string
		want    any
	}{
		{[]string{"PING"}, "PONG"},
		{[]string{"HLEN", "h"}, int64(2)},
		{[]string{"GET", "nothing"}, nil},
		{[]string{"HMGET", "h", "field", "none", "empty"}, []any{"line\r\nbreak", nil, ""}},
		{[]string{"KEYS", "none"}, []any{}},
	} {
		if diff := cmp.Diff(c.want, mustDo(t, s, c.command...)); diff != "" {
			t.Errorf("%v (-want +got):\n%s", c.command, diff)
		}
	}
	if _, err := s.Do("GET", "h"); err == nil || !strings.HasPrefix(err.Error(), "WRONGTYPE") {
		t.Errorf("the error is %v, want WRONGTYPE", err)
	}
	h, err := s.Hash("h")
	if diff := cmp.Diff(map[string]string{"field": "line\r\nbreak", "empty": ""}, h); err != nil || diff != "" {
		t.Errorf("Hash: %v (-want +got):\n%s", err, diff)
	}
	if err := s.FlushAll(); err != nil {
		t.Fatal(err)
	}
	if n := mustDo(t, s, "DBSIZE"); n != int64(0) {
		t.Errorf("%v keys are left", n)
	}
}

// TestEnds ends a server in every way, and checks that it comes back empty on
// the same address.
func TestEnds(t *testing.T) {
	defer goleak.VerifyNone(t)
	s, err := Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	addr := s.Addr
	for name, end := range map[string]func(){
		"stop": s.Stop, "kill": s.Kill, "stop while paused": func() { s.Pause(); s.Stop() }, "kill while paused": func() { s.Pause(); s.Kill() },
		"kill twice": func() { s.Kill(); s.Kill() },
	} {
		mustDo(t, s, "SET", "k", "v")
		end()
		if _, err := s.Do("PING"); err == nil {
			t.Errorf("%s: it still answers", name)
		}
		if err := s.Restart(); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got := mustDo(t, s, "GET", "k"); got != nil || s.Addr != addr {
			t.Errorf("%s: it has %v, at %s; want nothing, at %s", name, got, s.Addr, addr)
		}
	}
	s.Kill()
}

// TestPause checks that a paused server answers once it goes on.
func TestPause(t *testing.T) {
	s := Start(t)
	s.Pause()
	answered := make(chan error, 1)
	go func() {
		_, err := s.Do("PING")
		answered <- err
	}()
	select {
	case err := <-answered:
		t.Errorf("it answered while it was paused: %v", err)
	default:
	}
	s.Resume()
	if err := <-answered; err != nil {
		t.Errorf("it did not answer: %v", err)
	}
}

func TestMissingProgram(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	if _, err := Open(t.TempDir()); err == nil || !strings.Contains(err.Error(), "apt-get install redis-server") {
		t.Errorf("the error is %v, want how to install %s", err, Program)
	}
}

func TestBadArguments(t *testing.T) {
	if _, err := Open(t.TempDir(), "--no-such-option", "x"); err == nil || !strings.Contains(err.Error(), "ended at once") {
		t.Errorf("the error is %v, want what the server said", err)
	}
}
