package app_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/apptest"
	"github.com/token-rate-limiter/token-rate-limiter/internal/identity"
	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
	"github.com/token-rate-limiter/token-rate-limiter/internal/mockvllm"
	"github.com/token-rate-limiter/token-rate-limiter/internal/store/memory"
)

// line is a line of the log, as far as it is about reloads.
type line struct {
	Level, Msg      string
	ModelsAdded     []string `json:"models-added"`
	ModelsRemoved   []string `json:"models-removed"`
	ModelsChanged   []string `json:"models-changed"`
	KeysAdded       []string `json:"keys-added"`
	KeysRemoved     []string `json:"keys-removed"`
	KeysChanged     []string `json:"keys-changed"`
	SettingsChanged []string `json:"settings-changed"`
	Settings        []string `json:"settings"`
	Mistakes        []string `json:"mistakes"`
	Warnings        []string `json:"warnings"`
}

// told returns the lines about reloads.
func told(t *testing.T, g *apptest.Gateway) (lines []line) {
	t.Helper()
	for text := range strings.Lines(g.Logs.String()) {
		var l line
		if err := json.Unmarshal([]byte(text), &l); err != nil {
			t.Fatalf("%v: %s", err, text)
		}
		if strings.Contains(l.Msg, "configuration") || strings.Contains(l.Msg, "next start") {
			lines = append(lines, l)
		}
	}
	return lines
}

// unchanged is what is said where there is nothing to read.
const unchanged = "the configuration is as it was"

// reload changes the options of the gateway and has it read its configuration.
// It returns what it says of it, whether it has found out by itself or not.
func reload(t *testing.T, g *apptest.Gateway, change func(*apptest.Options)) []line {
	t.Helper()
	return reading(t, g, func() { g.Configure(t, change) })
}

// reading does as much where the files are changed otherwise.
func reading(t *testing.T, g *apptest.Gateway, change func()) []line {
	t.Helper()
	before := len(told(t, g))
	change()
	g.Reload()
	return slices.DeleteFunc(told(t, g)[before:], func(l line) bool { return l.Msg == unchanged })
}

const message = `"messages":[{"role":"user","content":"Hi"}]`

// ask sends a short chat to a model and returns the status.
func ask(t *testing.T, g *apptest.Gateway, model, user string) int {
	t.Helper()
	status, _, _ := g.Post(t, "/v1/chat/completions", user, fmt.Sprintf(`{"model":%q,"max_tokens":5,%s}`, model, message))
	return status
}

// gauge returns the value of a metric without labels.
func gauge(t *testing.T, g *apptest.Gateway, name string) (v float64) {
	t.Helper()
	for text := range strings.Lines(g.Get(t, "/actuator/prometheus")) {
		if rest, ok := strings.CutPrefix(text, name+" "); ok {
			fmt.Sscan(rest, &v)
			return v
		}
	}
	t.Fatalf("there is no metric %s", name)
	return 0
}

// TestModelsComeAndGo: with running requests, and without a restart.
func TestModelsComeAndGo(t *testing.T) {
	g := apptest.Start(t, apptest.Options{Reloads: true, Aliases: []string{"old", "changed"}})
	const tokens = 40
	slow := g.Request(t.Context(), "/v1/chat/completions", "alice", // an event at a time, when it is told
		fmt.Sprintf(`{"model":"old","stream":true,"mock":{"output_tokens":%d,"ack":true},%s}`, tokens, message))
	slow.Header.Set("X-Request-Id", "slow")
	running, err := http.DefaultClient.Do(slow)
	if err != nil {
		t.Fatal(err)
	}
	defer running.Body.Close()

	lines := reload(t, g, func(o *apptest.Options) {
		o.Aliases = []string{"new", "changed"}
		o.RateLimit = "defaults: {max-requests-per-minute: 1}"
	})
	if len(lines) != 1 || lines[0].Level != "INFO" || !slices.Equal(lines[0].ModelsAdded, []string{"new"}) ||
		!slices.Equal(lines[0].ModelsRemoved, []string{"old"}) || !slices.Equal(lines[0].ModelsChanged, []string{"changed"}) {
		t.Errorf("the log says %+v", lines)
	}
	for model, want := range map[string]int{"old": 404, "new": 200, "changed": 200, apptest.Model: 200} {
		if got := ask(t, g, model, "bob"); got != want {
			t.Errorf("%s is answered with %d, want %d", model, got, want)
		}
	}
	if got := ask(t, g, "changed", "bob"); got != http.StatusTooManyRequests {
		t.Errorf("the new limit answers with %d", got)
	}
	if metrics := g.Get(t, "/actuator/prometheus"); !strings.Contains(metrics, `token_concurrent_requests{model="old"} 1`) {
		t.Error("the running request of a removed model is not counted")
	}
	for range 2 * tokens { // more than there are events
		g.Mock.Ack("slow")
	}
	rest, err := io.ReadAll(running.Body)
	if err != nil || strings.Count(string(rest), `"content":"`) < tokens || !strings.HasSuffix(string(rest), "data: [DONE]\n\n") {
		t.Errorf("the stream of a removed model ended with %v after %d events", err, strings.Count(string(rest), "data:"))
	}
	awaitMetrics(t, g, "the series of a removed model to go", func(metrics string) bool { return !strings.Contains(metrics, `model="old"`) })
}

// heldStore keeps a decision back until it is let go.
type heldStore struct {
	*memory.Store
	asked, letGo chan struct{}
}

func (s heldStore) Reserve(ctx context.Context, p *limit.Policy, user string, need limit.Amount, g *limit.Grant, d *limit.Decision) error {
	s.asked <- struct{}{}
	<-s.letGo
	return s.Store.Reserve(ctx, p, user, need, g, d)
}

// TestRequestKeepsItsModelServer: also one that was not sent yet when its model
// went, and nobody else uses the model server.
func TestRequestKeepsItsModelServer(t *testing.T) {
	store := heldStore{memory.New(memory.Options{}), make(chan struct{}), make(chan struct{})}
	g := apptest.Start(t, apptest.Options{Reloads: true, Store: store})
	status := make(chan int)
	go func() { status <- ask(t, g, apptest.Model, "alice") }()
	<-store.asked
	g.WriteConfig(t, "server: {address: \"127.0.0.1:0\"}\nauth: {enabled: false}\nvllm: {services: {other: \"mock:\"}}\n")
	g.Reload()
	if lines := told(t, g); len(lines) == 0 || !slices.Equal(lines[0].ModelsRemoved, []string{apptest.Model}) {
		t.Errorf("the log says %+v", lines)
	}
	store.letGo <- struct{}{}
	if got := <-status; got != http.StatusOK {
		t.Errorf("a request of a model that has gone is answered with %d", got)
	}
}

// awaitMetrics waits until the metrics are as told.
func awaitMetrics(t *testing.T, g *apptest.Gateway, what string, ok func(string) bool) {
	t.Helper()
	if !apptest.Eventually(func() bool { return ok(g.Get(t, "/actuator/prometheus")) }) {
		t.Fatalf("waited in vain for %s", what)
	}
}

// TestWrongConfigurationChangesNothing: and says why, once; the next right one
// is applied.
func TestWrongConfigurationChangesNothing(t *testing.T) {
	g := apptest.Start(t, apptest.Options{Reloads: true, Config: "redis: {host: r, password: swordfish}\n"})
	at := gauge(t, g, "config_last_reload_success_timestamp_seconds")
	const wrong = "vllm: {services: {other: \"http://other:1\", }}\nredis: {password: swordfish, databse: 1}\nserver: {idle-timeout: 7, tls: {certificate: /none/a, key: /none/b}}\n"
	lines := reading(t, g, func() { g.WriteConfig(t, wrong) })
	want := []string{
		g.Folder + `/application.yml:2:30: redis.databse: is not a known key; did you mean database?`,
		g.Folder + `/application.yml:3:24: server.idle-timeout: "7" has no unit; write 7ms for milliseconds, or 7s for seconds`,
		g.Folder + `/application.yml:3:46: server.tls.certificate: "/none/a" cannot be read: no such file or directory; create it, or write the name of another file`,
		g.Folder + `/application.yml:3:60: server.tls.key: "/none/b" cannot be read: no such file or directory; create it, or write the name of another file`,
	}
	if len(lines) != 1 || lines[0].Level != "ERROR" || !slices.Equal(lines[0].Mistakes, want) {
		t.Errorf("the log says %+v, want %q", lines, want)
	}
	if ask(t, g, apptest.Model, "bob") != 200 || ask(t, g, "other", "bob") != 404 {
		t.Error("a wrong configuration changes something")
	}
	if gauge(t, g, "config_last_reload_successful") != 0 || gauge(t, g, "config_last_reload_success_timestamp_seconds") != at {
		t.Error("the metrics do not tell of a wrong configuration")
	}

	lines = reload(t, g, func(o *apptest.Options) { o.Aliases = []string{"other"} })
	if len(lines) != 1 || lines[0].Level != "WARN" || !slices.Equal(lines[0].ModelsAdded, []string{"other"}) ||
		len(lines[0].Warnings) != 1 || !strings.Contains(lines[0].Warnings[0], "vllm.services.other: has no limit; ") {
		t.Errorf("the log says %+v", lines)
	}
	if got := ask(t, g, "other", "bob"); got != 200 {
		t.Errorf("the next right configuration is not applied: %d", got)
	}
	if gauge(t, g, "config_last_reload_successful") != 1 || gauge(t, g, "config_last_reload_success_timestamp_seconds") <= at {
		t.Error("the metrics do not tell of a right configuration")
	}
	if strings.Contains(g.Logs.String(), "swordfish") {
		t.Error("the log tells a secret")
	}
}

// awaitLog waits for a text in the log.
func awaitLog(t *testing.T, g *apptest.Gateway, text string) {
	t.Helper()
	if !apptest.Eventually(func() bool { return strings.Contains(g.Logs.String(), text) }) {
		t.Fatalf("waited in vain for %q in the log:\n%s", text, g.Logs)
	}
}

// TestWhatWaitsForTheNextStart: a setting that cannot change is named, and the
// rest is applied.
func TestWhatWaitsForTheNextStart(t *testing.T) {
	g := apptest.Start(t, apptest.Options{Reloads: true})
	lines := reload(t, g, func(o *apptest.Options) {
		o.Server, o.Aliases = "max-body-bytes: 10", []string{"other"}
	})
	if len(lines) != 2 || lines[1].Level != "WARN" || !slices.Equal(lines[1].Settings, []string{"server.max-body-bytes"}) {
		t.Errorf("the log says %+v", lines)
	}
	if got := ask(t, g, "other", "bob"); got != 200 {
		t.Errorf("the rest is not applied: %d", got)
	}
	if env := g.Get(t, "/actuator/env"); !strings.Contains(env, `"server.max-body-bytes":{"value":10485760}`) || !strings.Contains(env, `"vllm.services.other.`) {
		t.Errorf("the effective configuration is said to be\n%s", env)
	}
}

// TestPatienceOfHTTP2WaitsForTheNextStart: a longer idle-timeout holds for streams at
// once, and it is told that connections go on as they are, until it is as it was.
func TestPatienceOfHTTP2WaitsForTheNextStart(t *testing.T) {
	g := apptest.Start(t, apptest.Options{Reloads: true, TLS: true, Service: "idle-timeout: 1m"})
	patience := func(lines []line) bool {
		return slices.ContainsFunc(lines, func(l line) bool {
			return l.Level == "WARN" && slices.ContainsFunc(l.Settings, func(s string) bool { return strings.Contains(s, "HTTP/2") })
		})
	}
	for _, step := range []struct {
		service string
		want    bool
	}{
		{"idle-timeout: 2m", true},
		{"idle-timeout: 2m, response-timeout: 1m", false},
		{"idle-timeout: 90s", true},
		{"idle-timeout: 1m", false},
	} {
		if lines := reload(t, g, func(o *apptest.Options) { o.Service = step.service }); patience(lines) != step.want {
			t.Errorf("with %s the log says %+v, of HTTP/2 %v", step.service, lines, !step.want)
		}
	}
	plain := apptest.Start(t, apptest.Options{Reloads: true, Service: "idle-timeout: 1m"})
	if lines := reload(t, plain, func(o *apptest.Options) { o.Service = "idle-timeout: 2m" }); patience(lines) {
		t.Errorf("without HTTP/2 the log says %+v", lines)
	}
}

// TestUnchangedConfiguration: nothing happens, and whoever asked is told.
func TestUnchangedConfiguration(t *testing.T) {
	g := apptest.Start(t, apptest.Options{Reloads: true})
	at := gauge(t, g, "config_last_reload_success_timestamp_seconds")
	g.Configure(t, func(*apptest.Options) {})
	for range 3 {
		g.Reload()
	}
	lines := told(t, g)
	if len(lines) != 3 || slices.ContainsFunc(lines, func(l line) bool { return l.Msg != unchanged }) {
		t.Errorf("the log says %+v", lines)
	}
	if gauge(t, g, "config_last_reload_success_timestamp_seconds") != at {
		t.Error("an unchanged configuration is applied")
	}
}

// TestKeysComeAndGo: a key that is removed is refused at once; so is everybody
// without one when authentication is switched on.
func TestKeysComeAndGo(t *testing.T) {
	alice, bob := strings.Repeat("a", 40), strings.Repeat("b", 40)
	keys := func(names ...string) string {
		text := "auth:\n  api-keys:\n"
		for _, name := range names {
			hash, err := identity.HashKey(map[string]string{"alice": alice, "bob": bob}[name])
			if err != nil {
				t.Fatal(err)
			}
			text += fmt.Sprintf("    - {name: %s, user: %s, hash: %q}\n", name, name, hash)
		}
		return text
	}
	g := apptest.Start(t, apptest.Options{Reloads: true})
	check := func(key string, want int) {
		t.Helper()
		r := g.Request(t.Context(), "/v1/chat/completions", "", fmt.Sprintf(`{"model":%q,"max_tokens":5,%s}`, apptest.Model, message))
		r.Header.Del("X-User-Id")
		if key != "" {
			r.Header.Set("Authorization", "Bearer "+key)
		}
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != want {
			t.Errorf("the key %.3s is answered with %d, want %d", key, response.StatusCode, want)
		}
	}
	check("", 200)
	lines := reload(t, g, func(o *apptest.Options) { o.Auth, o.Config = true, keys("alice") })
	if len(lines) != 1 || !slices.Equal(lines[0].KeysAdded, []string{"alice"}) || !slices.Equal(lines[0].SettingsChanged, []string{"auth.enabled"}) {
		t.Errorf("the log says %+v", lines)
	}
	check("", 401)
	check(alice, 200)
	lines = reload(t, g, func(o *apptest.Options) { o.Auth, o.Config = true, keys("bob") })
	if len(lines) != 1 || !slices.Equal(lines[0].KeysAdded, []string{"bob"}) || !slices.Equal(lines[0].KeysRemoved, []string{"alice"}) {
		t.Errorf("the log says %+v", lines)
	}
	check(alice, 401)
	check(bob, 200)
	for reach, status := range map[string]int{"models: [other*, '*']": 200, "models: ['llama2-1*', llama2]": 403, "endpoints: [embeddings]": 403, "roles: [viewer]": 403} {
		reload(t, g, func(o *apptest.Options) { o.Auth, o.Config = true, keys("bob") })
		lines = reload(t, g, func(o *apptest.Options) {
			o.Auth, o.Config = true, strings.Replace(keys("bob"), "}", ", "+reach+"}", 1)
		})
		if len(lines) == 0 || !slices.Equal(lines[0].KeysChanged, []string{"bob"}) {
			t.Errorf("with %s the log says %+v", reach, lines)
		}
		check(bob, status)
	}
	reload(t, g, func(o *apptest.Options) { o.Auth = true })
	check(bob, 401)
	if !strings.Contains(g.Logs.String(), "there is no API key") {
		t.Error("nobody is told that nobody can come in")
	}
}

// TestAuthenticationSwitchedOff: it is a warning, also where only this machine
// reaches the gateway, that comes once and tells the way back.
func TestAuthenticationSwitchedOff(t *testing.T) {
	g := apptest.Start(t, apptest.Options{Reloads: true, Auth: true})
	warnings := func() (found []line) {
		for text := range strings.Lines(g.Logs.String()) {
			var l line
			if err := json.Unmarshal([]byte(text), &l); err != nil {
				t.Fatalf("%v: %s", err, text)
			}
			if l.Level == "WARN" && strings.Contains(l.Msg, "switched off") {
				found = append(found, l)
			}
		}
		return found
	}
	if w := warnings(); len(w) != 0 {
		t.Errorf("before it is switched off, the log says %+v", w)
	}
	reload(t, g, func(o *apptest.Options) { o.Auth = false })
	w := warnings()
	if len(w) != 1 || !strings.Contains(w[0].Msg, "admin") || !strings.Contains(w[0].Msg, "set auth.enabled to true") {
		t.Fatalf("once it is switched off, the log says %+v", w)
	}
	reload(t, g, func(o *apptest.Options) { o.Aliases = []string{"other"} })
	reload(t, g, func(o *apptest.Options) { o.Auth = true })
	if w := warnings(); len(w) != 1 {
		t.Errorf("other changes are said to switch it off: %+v", w[1:])
	}
}

// TestLevelChanges: lines of requests come and go with it.
func TestLevelChanges(t *testing.T) {
	g := apptest.Start(t, apptest.Options{Reloads: true})
	g.Configure(t, func(o *apptest.Options) { o.Config = "logging: {level: error}\n" })
	g.Reload()
	before := g.Logs.String()
	ask(t, g, apptest.Model, "bob")
	g.Configure(t, func(o *apptest.Options) { o.Config = "logging: {level: debug}\n" })
	g.Reload()
	if after := strings.TrimPrefix(g.Logs.String(), before); strings.Contains(after, `"msg":"request"`) || !strings.Contains(after, "logging.level") {
		t.Errorf("at level error, the log says\n%s", after)
	}
	ask(t, g, apptest.Model, "bob")
	awaitLog(t, g, `"msg":"request"`)
}

// TestReloadsRace: a hundred at a time, while files change and requests run.
func TestReloadsRace(t *testing.T) {
	g := apptest.Start(t, apptest.Options{Reloads: true, Limits: "{max-requests-per-day: 1000000}"})
	var reloads, requests sync.WaitGroup
	done := make(chan struct{})
	sent := make([]int, 4)
	for i := range sent {
		requests.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				if got := ask(t, g, apptest.Model, "bob"); got != 200 {
					t.Errorf("a request is answered with %d", got)
				}
				sent[i]++
			}
		})
	}
	for i := range 10 {
		g.Configure(t, func(o *apptest.Options) {
			o.Limits, o.Aliases = fmt.Sprintf("{max-requests-per-day: %d}", 1000000+i), []string{fmt.Sprint("alias-", i)}
		})
		for range 100 {
			reloads.Go(g.Reload)
		}
		reloads.Wait()
		if w := g.Usage(t, "bob").Windows[0]; w.Limit == nil || *w.Limit != int64(1000000+i) {
			t.Errorf("after reload %d the limit is %v", i, w.Limit)
		}
	}
	close(done)
	requests.Wait()
	want := int64(0)
	for _, n := range sent {
		want += int64(n)
	}
	if w := g.Usage(t, "bob").Windows[0]; w.Used != want || w.Reserved != 0 || want < 10 {
		t.Errorf("of %d requests %d are used and %d reserved", want, w.Used, w.Reserved)
	}
	awaitMetrics(t, g, "one alias to be left", func(metrics string) bool {
		return strings.Contains(metrics, `model="alias-9"`) && strings.Count(metrics, `token_concurrent_requests{model="alias-`) == 1
	})
}

// TestReloadWhileDraining: it changes nothing for those that are running, and
// the end is in order.
func TestReloadWhileDraining(t *testing.T) {
	g := apptest.Start(t, apptest.Options{
		Reloads: true, Limits: "{max-tokens-per-minute: 100000}", Server: "drain-timeout: 1h",
		Mock: mockvllm.Options{TokenInterval: 20 * time.Millisecond},
	})
	running := openStream(t, g, 100)
	g.Drain()
	for !strings.Contains(g.Logs.String(), `"msg":"draining"`) { // what is not ready may only be slow
		time.Sleep(time.Millisecond)
	}
	if status, _ := g.Probe(t, "/actuator/health/readiness"); status != http.StatusServiceUnavailable {
		t.Errorf("readiness is %d", status)
	}
	lines := reload(t, g, func(o *apptest.Options) { o.Limits, o.Aliases = "{max-tokens-per-minute: 1}", []string{"other"} })
	if len(lines) != 0 {
		t.Errorf("the log says %+v", lines)
	}
	rest, err := io.ReadAll(running)
	if err != nil || !strings.HasSuffix(string(rest), "data: [DONE]\n\n") {
		t.Errorf("the running stream ended with %v", err)
	}
	if err := g.Stop(); err != nil {
		t.Errorf("the gateway ended: %v", err)
	}
	g.Reload() // when all is closed
}

// TestMockModelsByReload: a stand-in that appears is served.
func TestMockModelsByReload(t *testing.T) {
	g := apptest.Start(t, apptest.Options{Reloads: true})
	for i, endpoint := range []string{"mock:", "mock:", g.MockURL, "mock:"} {
		g.Configure(t, func(o *apptest.Options) {
			o.ServerURL, o.Aliases, o.Service = endpoint, []string{fmt.Sprint("alias-", i)}, fmt.Sprintf("context-length: %d", 1000+i)
		})
		g.Reload()
		for _, model := range []string{apptest.Model, fmt.Sprint("alias-", i)} {
			if got := ask(t, g, model, "bob"); got != 200 {
				t.Errorf("configuration %d: %s is answered with %d", i, model, got)
			}
		}
	}
}
