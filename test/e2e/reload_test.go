package e2e

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// place makes the site's configuration that of a gateway, as one change.
func (s site) place(t *testing.T, dir string) {
	t.Helper()
	if err := os.Rename(filepath.Join(s.folder(t), "application.yml"), filepath.Join(dir, "application.yml")); err != nil {
		t.Fatal(err)
	}
}

// hangup changes something, sends SIGHUP and waits until the log says what came of
// it, once more than before.
func (p *process) hangup(t *testing.T, want string, change func()) {
	t.Helper()
	before := len(p.stderr.lines(want))
	change()
	p.signal(syscall.SIGHUP)
	eventually(t, patience, want+" in the log", func() bool { return len(p.stderr.lines(want)) > before })
}

// TestHangupReloads: SIGHUP has the gateway read its files again. Running
// streams end under the limits that they began with, and what was used stays.
func TestHangupReloads(t *testing.T) {
	t.Parallel()
	const tokens = 80
	ledger, server := newModelServer(t)
	s := site{server: server, models: map[string]string{model: "{max-tokens-per-hour: 100000, max-concurrent-requests: 20}"}}
	dir := s.folder(t)
	p := start(t, "serve", "--config", dir, "--address", "127.0.0.1:0")
	g := &gateway{p, newClient(t, "http://"+p.address(t))}
	running := g.listen(t, chat{user: "alice", tokens: tokens, pace: 25})
	running.await(t, 3)

	s.models = map[string]string{
		model:     "{max-tokens-per-hour: 40, overrun: stop, max-concurrent-requests: 20}",
		"another": "{max-tokens-per-hour: 100000}",
	}
	s.service = "served-as: " + model
	g.hangup(t, `"level":"INFO","msg":"the configuration is applied","models-added":["another"],"models-changed":["`+model+`"]`,
		func() { s.place(t, dir) })
	if a := g.send(t.Context(), chat{user: "bob", model: "another", tokens: 3}); a.status != http.StatusOK {
		t.Errorf("a model that was added is answered with %d %s", a.status, a.body)
	}
	if a := g.send(t.Context(), chat{user: "alice", tokens: 3}); a.status != http.StatusTooManyRequests {
		t.Errorf("the new limit, of which all is used, is answered with %d %s", a.status, a.body)
	}
	running.finish(t, tokens)
	checkBooked(t, g.client, ledger, "alice")

	g.hangup(t, `"mistakes":["`+dir+`/application.yml:`, func() {
		if err := os.WriteFile(filepath.Join(dir, "application.yml"), []byte("server:\n  port: 80\n   tls: {}\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	})
	if a := g.send(t.Context(), chat{user: "bob", model: "another", tokens: 3}); a.status != http.StatusOK {
		t.Errorf("after a wrong configuration a request is answered with %d %s", a.status, a.body)
	}

	s.extra = "drain-timeout: 7s"
	s.models[model] = "{max-tokens-per-hour: 100000, max-concurrent-requests: 20}"
	g.hangup(t, `"settings":["server.drain-timeout"]`, func() { s.place(t, dir) })
	if a := g.send(t.Context(), chat{user: "alice", tokens: 3}); a.status != http.StatusOK {
		t.Errorf("a request under the limit that is back is answered with %d %s", a.status, a.body)
	}
	checkBooked(t, g.client, ledger, "alice")

	g.hangup(t, "the configuration is as it was", func() {
		for range 100 {
			g.signal(syscall.SIGHUP)
		}
	})
	if lines := g.stderr.lines("the configuration is applied"); len(lines) != 2 {
		t.Errorf("two changes are applied in %d reloads:\n%s", len(lines), strings.Join(lines, ""))
	}
	g.signal(syscall.SIGTERM)
	if code := g.wait(t); code != 0 {
		t.Errorf("the exit code is %d", code)
	}
}

// TestChangedFileIsRead: without being told, again and again.
func TestChangedFileIsRead(t *testing.T) {
	t.Parallel()
	ledger, server := newModelServer(t)
	s := site{server: server, models: map[string]string{model: "{max-tokens-per-hour: 100000}"}}
	dir := s.folder(t)
	p := start(t, "serve", "--config", dir)
	g := &gateway{p, newClient(t, "http://"+p.address(t))}
	for i := range 3 {
		if a := g.send(t.Context(), chat{user: "alice", tokens: 10}); a.status != http.StatusOK {
			t.Fatalf("the answer is %d %s", a.status, a.body)
		}
		s.models[model] = fmt.Sprintf("{max-tokens-per-hour: %d}", 200_000+i)
		s.place(t, dir)
		eventually(t, patience, "the new limit", func() bool { return g.usage(t, model, "alice").Windows[0].Limit == int64(200_000+i) })
		checkBooked(t, g.client, ledger, "alice")
	}
}
