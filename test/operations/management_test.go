package operations

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/apptest"
	"github.com/token-rate-limiter/token-rate-limiter/internal/identity"
	"github.com/token-rate-limiter/token-rate-limiter/internal/mockvllm"
)

const (
	adminKey = "0123456789abcdef0123456789abcdef"
	userKey  = "fedcba9876543210fedcba9876543210"
)

// keys is configuration with a key for an admin and one for a user.
func keys(t *testing.T) string {
	t.Helper()
	list := ""
	for _, k := range []struct{ name, key, roles string }{{"root", adminKey, "user, admin"}, {"alice", userKey, "user"}} {
		hash, err := identity.HashKey(k.key)
		if err != nil {
			t.Fatal(err)
		}
		list += fmt.Sprintf("{name: %s, user: %s, hash: %q, roles: [%s]}, ", k.name, k.name, hash, k.roles)
	}
	return "auth: {api-keys: [" + list + "]}\n"
}

// get asks for url with a key, if it is not empty.
func get(t *testing.T, url, key string) (int, string) {
	t.Helper()
	return apptest.Fetch(t, http.DefaultClient, url, key)
}

// TestManagementHasAListenerOfItsOwn: what operators look at is there and nowhere
// else, and nothing of clients is.
func TestManagementHasAListenerOfItsOwn(t *testing.T) {
	g := apptest.Start(t, apptest.Options{Auth: true, Config: keys(t) + "management: {address: '127.0.0.1:0', pprof: true}\n"})
	management := g.Management(t)
	for _, tt := range []struct {
		path, key           string
		clients, management int
	}{
		{"/actuator", "", 404, 200},
		{"/actuator/health", "", 404, 200},
		{"/actuator/health/liveness", "", 404, 200},
		{"/actuator/health/readiness", "", 404, 200},
		{"/actuator/prometheus", "", 404, 200},
		{"/actuator/info", "", 404, 200},
		{"/actuator/env", "", 404, 401},
		{"/actuator/env", userKey, 404, 403},
		{"/actuator/env", adminKey, 404, 200},
		{"/debug/pprof/", "", 404, 401},
		{"/debug/pprof/", userKey, 404, 403},
		{"/debug/pprof/", adminKey, 404, 200},
		{"/debug/pprof/heap", userKey, 404, 403},
		{"/debug/pprof/heap?debug=1", adminKey, 404, 200},
		{"/debug/pprof/cmdline", userKey, 404, 403},
		{"/debug/pprof/profile?seconds=1", adminKey, 404, 200},
		{"/api/v1/admin/token-usage/llama2-7b/alice", adminKey, 200, 404},
		{"/v1/models", userKey, 200, 404},
	} {
		if status, body := get(t, g.URL+tt.path, tt.key); status != tt.clients {
			t.Errorf("clients' %s with %.4q: %d, want %d: %.200s", tt.path, tt.key, status, tt.clients, body)
		}
		if status, body := get(t, management+tt.path, tt.key); status != tt.management {
			t.Errorf("operators' %s with %.4q: %d, want %d: %.200s", tt.path, tt.key, status, tt.management, body)
		}
	}
}

// TestRefusalsAreLogged: what only looks at something leaves a line where the caller is
// not known or may not, and none where it is answered; never a key, nor what a client
// has chosen.
func TestRefusalsAreLogged(t *testing.T) {
	g := apptest.Start(t, apptest.Options{Auth: true, Config: keys(t) + "management: {pprof: true}\n"})
	apptest.Eventually(func() bool { return strings.Contains(g.Logs.String(), "the context-length of a model") }) // the start has nothing more to say
	const usage, stranger = "/api/v1/admin/token-usage/llama2-7b/chosen-by-the-client", "an-unknown-key-of-32-characters-x"
	type line struct {
		Msg, ID, Route, Client, User, Key, Error string
		Status                                   int
	}
	for _, tt := range []struct {
		path, key string
		want      *line
	}{
		{usage, adminKey, nil},
		{usage, userKey, &line{Route: "GET /api/v1/admin/token-usage/{model}/{user}", User: "alice", Key: "alice", Status: 403, Error: "this needs the permission usage:read, which the role viewer, tenant-admin or admin gives"}},
		{usage, stranger, &line{Route: "GET /api/v1/admin/token-usage/{model}/{user}", Status: 401, Error: "the API key is not known"}},
		{"/actuator/env", userKey, &line{Route: "GET /actuator/env", User: "alice", Key: "alice", Status: 403, Error: "this needs the permission config:read in every tenant, which the role viewer or admin gives"}},
		{"/debug/pprof/heap", userKey, &line{Route: "GET /debug/pprof/", User: "alice", Key: "alice", Status: 403, Error: "this needs the permission profiles:read in every tenant, which the role admin gives"}},
		{"/v1/models", stranger, &line{Route: "GET /v1/models", Status: 401, Error: "the API key is not known"}},
		{"/api/v1/models", stranger, &line{Route: "GET /api/v1/models", Status: 401, Error: "the API key is not known"}},
		{"/api/v1/models/chosen-by-the-client", stranger, &line{Route: "GET /api/v1/models/{model}", Status: 401, Error: "the API key is not known"}},
		{"/api/v1/models/llama2-7b/health", stranger, &line{Route: "GET /api/v1/models/{model}/health", Status: 401, Error: "the API key is not known"}},
		{"/v1/models", userKey, nil},
		{"/actuator/health", "", nil},
	} {
		before := g.Logs.String()
		get(t, g.URL+tt.path, tt.key)
		told := strings.TrimPrefix(g.Logs.String(), before)
		if tt.want == nil {
			if told != "" {
				t.Errorf("%s, answered, leaves %s", tt.path, told)
			}
			continue
		}
		var got line
		if err := json.Unmarshal([]byte(told), &got); err != nil {
			t.Errorf("%s leaves %q: %v", tt.path, told, err)
			continue
		}
		if got.ID == "" || strings.Contains(told, stranger) || strings.Contains(told, userKey) || strings.Contains(told, "chosen-by-the-client") {
			t.Errorf("%s has no id, or tells what it must not: %s", tt.path, told)
		}
		got.ID, tt.want.Msg, tt.want.Client = "", "refused", "127.0.0.1"
		if got != *tt.want {
			t.Errorf("%s leaves %+v, want %+v", tt.path, got, *tt.want)
		}
	}
}

// TestProfilesAreOff: without the setting there are none, and with it, on the
// listener for clients, they are for admins.
func TestProfilesAreOff(t *testing.T) {
	off := apptest.Start(t, apptest.Options{})
	if status, _ := off.Probe(t, "/debug/pprof/"); status != http.StatusNotFound {
		t.Errorf("switched off: %d", status)
	}
	on := apptest.Start(t, apptest.Options{Auth: true, Config: keys(t) + "management: {pprof: true}\n"})
	for key, want := range map[string]int{"": 401, userKey: 403, adminKey: 200} {
		if status, _ := get(t, on.URL+"/debug/pprof/goroutine?debug=1", key); status != want {
			t.Errorf("with %.4q: %d, want %d", key, status, want)
		}
	}
}

// TestManagementOutlivesClients: probes see the gateway drain.
func TestManagementOutlivesClients(t *testing.T) {
	g := apptest.Start(t, apptest.Options{
		Config: "management: {address: '127.0.0.1:0'}\n", Mock: mockvllm.Options{TokenInterval: 20 * time.Millisecond},
	})
	management := g.Management(t)
	running := open(t, g, "running", chat(`,"stream":true`, `"output_tokens":50`))
	g.Drain()
	eventually(t, "readiness goes off", func() bool {
		status, body := get(t, management+"/actuator/health/readiness", "")
		return status == http.StatusServiceUnavailable && strings.Contains(body, "shutting down")
	})
	if status, _ := get(t, management+"/actuator/health/liveness", ""); status != http.StatusOK {
		t.Errorf("liveness is %d", status)
	}
	if b, err := io.ReadAll(running.Body); err != nil || !strings.HasSuffix(string(b), "data: [DONE]\n\n") {
		t.Errorf("%v after %s", err, b)
	}
	if err := g.Stop(); err != nil {
		t.Error(err)
	}
	if _, err := http.Get(management + "/actuator/health"); err == nil {
		t.Error("the listener for operators stays open")
	}
}
