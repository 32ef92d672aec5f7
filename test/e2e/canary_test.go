package e2e

import (
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/golang-jwt/jwt/v5"

	"github.com/token-rate-limiter/token-rate-limiter/internal/identity"
	"github.com/token-rate-limiter/token-rate-limiter/internal/postgrestest"
	"github.com/token-rate-limiter/token-rate-limiter/internal/redistest"
)

// canaries are the secrets of a test, by what they are, and what was seen of the gateway, by
// where. It is safe for concurrent use.
type canaries struct {
	mu    sync.Mutex
	known map[string]string
	seen  map[string]string
}

func (c *canaries) plant(what, secret string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.known[what] = secret
	return secret
}

func (c *canaries) look(where, text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seen[where] += text
}

// check fails the test for each secret that was seen, whole or in parts that are of use.
func (c *canaries) check(t *testing.T) {
	t.Helper()
	for where, text := range c.seen {
		if text == "" {
			t.Errorf("nothing was seen in %s: the test tests nothing", where)
		}
		for what, secret := range c.known {
			for _, form := range []string{secret, url.QueryEscape(secret), secret[:len(secret)*2/3], secret[len(secret)/3:]} {
				if strings.Contains(text, form) {
					t.Errorf("%s is in %s", what, where)
					break
				}
			}
		}
	}
}

// TestCanaries: keys, passwords, shared secrets and tokens that are planted wherever somebody may
// put them, rightly and by mistake, are nowhere to be seen afterwards.
func TestCanaries(t *testing.T) {
	t.Parallel()
	c := &canaries{known: map[string]string{}, seen: map[string]string{}}
	collector := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		c.look("the traces", string(b)+fmt.Sprint(r.Header))
	}))
	defer collector.Close()

	fileKey := c.plant("a key of the file", "canary-of-the-file-0123456789abcdef")
	hash, err := identity.HashKey(fileKey)
	if err != nil {
		t.Fatal(err)
	}
	shared := c.plant("the secret of an issuer", "canary-of-an-issuer-0123456789abcdef")
	inURL := c.plant("the password in the URL", "canary-in-the-url-0123456789")
	redis := redistest.Start(t)
	password := c.plant("the password of Redis", "canary-of-redis-0123456789")
	if _, err := redis.Do("CONFIG", "SET", "requirepass", password); err != nil {
		t.Fatal(err)
	}
	postgres := postgrestest.Start(t)
	address := postgres.URL(t, "control")
	at, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	at.User = url.UserPassword(at.User.Username(), inURL) // which the test's server does not ask for
	_, server := newModelServer(t)
	data := t.TempDir()
	s := site{
		server: server, redis: redis, password: password,
		models: map[string]string{model: "{max-tokens-per-minute: 1000000}"},
		extra:  fmt.Sprintf("data-directory: %q", data),
		auth: fmt.Sprintf("{api-keys: [{name: operator, user: root, hash: %q, roles: [user, admin], act-as: true}], "+
			"jwt: {issuers: [{issuer: portal, audiences: [gateway], algorithms: [HS256], types: [JWT], secret: %q}]}}", hash, shared),
		database: fmt.Sprintf("{url: %q, password: %q}", at.String(), c.plant("the password of PostgreSQL", "canary-of-postgres-0123456789")),
	}
	configs := s.folder(t)
	p := &process{cmd: command("serve", "--config", configs)}
	p.cmd.Env = append(p.cmd.Env, "OTEL_EXPORTER_OTLP_ENDPOINT="+collector.URL, "OTEL_BSP_SCHEDULE_DELAY=50", "LOG_LEVEL=debug")
	p.cmd.Stdout, p.cmd.Stderr = &p.stdout, &p.stderr
	p.begin(t)
	g := newClient(t, "http://"+p.address(t))

	ask := func(want int, method, path, body string, header ...string) string {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, g.base+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		for i := 0; i < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		response, err := g.http.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		a := readAnswer(response)
		if a.status != want {
			t.Errorf("%s %s is answered with %d, want %d: %s", method, path, a.status, want, a.body)
		}
		return a.body + fmt.Sprint(a.header)
	}
	const chat = `{"model":"` + model + `","messages":[{"role":"user","content":"Hello"}],"max_tokens":5}`
	operator := []string{"X-API-Key", fileKey}
	manage := func(want int, method, path, body string) string {
		t.Helper()
		return ask(want, method, "/api/v1/admin"+path, body, operator...)
	}

	// Keys: made here, made elsewhere, rotated; each is shown once, in the answer that makes it.
	created := manage(http.StatusCreated, http.MethodPost, "/keys", `{"name":"laptop","user":"alice","roles":["user"]}`)
	secret := c.plant("a key that was made", stringAfter(t, created, `"secret":"`))
	id := stringAfter(t, created, `"id":"`)
	rotated := manage(http.StatusOK, http.MethodPost, "/keys/"+id+"/rotate", `{"overlap":"1h"}`)
	second := c.plant("a key that was rotated", stringAfter(t, rotated, `"secret":"`))
	elsewhere := c.plant("a key that was made elsewhere", "canary-of-elsewhere-0123456789abcdef")
	hash, err = identity.HashKey(elsewhere)
	if err != nil {
		t.Fatal(err)
	}
	c.look("the answer to a hash", manage(http.StatusCreated, http.MethodPost, "/keys",
		fmt.Sprintf(`{"name":"vault","user":"bob","roles":["user"],"hash":%q}`, hash)))
	unknown := c.plant("a key that nobody has", "canary-of-nobody-0123456789abcdef")
	token := c.plant("a token", signed(t, shared, jwt.MapClaims{"sub": "carol"}))
	late := c.plant("a token that is not taken", signed(t, shared, jwt.MapClaims{"sub": "carol", "aud": "another"}))
	for credential, want := range map[string]int{
		secret: 200, second: 200, elsewhere: 200, token: 200, fileKey: 200, unknown: 401, late: 401, secret[:40]: 401,
	} {
		c.look("an answer", ask(want, http.MethodPost, "/v1/chat/completions", chat, "Authorization", "Bearer "+credential))
	}
	// By mistake: another scheme, two that differ, where names, members and ids are expected.
	for _, header := range [][]string{
		{"Authorization", "Basic " + secret},
		{"Authorization", "Bearer " + secret, "X-API-Key", unknown},
		{"Authorization", secret},
		{"Authorization", "Bearer " + secret + " " + unknown},
	} {
		c.look("an answer to a mistake", ask(http.StatusUnauthorized, http.MethodPost, "/v1/chat/completions", chat, header...))
	}
	c.look("an answer to a mistake", ask(http.StatusUnauthorized, http.MethodGet, "/v1/models?api_key="+secret, ""))
	for _, tt := range []struct {
		want               int
		method, path, body string
	}{
		{400, http.MethodPost, "/keys", `{"name":"x","user":"alice","roles":["user"],"secret":"` + secret + `"}`},
		{400, http.MethodPost, "/keys", `{"name":"x","user":"alice","roles":["user"],"hash":"` + secret + `"}`},
		{400, http.MethodPost, "/keys", `{"name":"x","user":"alice","roles":["` + secret + `"]}`},
		{400, http.MethodPost, "/keys/" + id + "/rotate", `{"overlap":"` + secret + `"}`},
		{404, http.MethodGet, "/keys/" + secret, ""},
		{400, http.MethodGet, "/keys?state=" + secret, ""},
	} {
		c.look("the answer to "+tt.method+tt.path[:5]+tt.body[:min(len(tt.body), 45)], manage(tt.want, tt.method, tt.path, tt.body))
	}
	c.look("the answer to a leaked key", manage(http.StatusOK, http.MethodPost, "/keys/identify", `{"secret":"`+secret+`"}`))

	for _, path := range []string{"/keys", "/keys/" + id, "/audit", "/audit/export", "/revision"} {
		c.look("GET "+path, manage(http.StatusOK, http.MethodGet, path, ""))
	}
	for _, path := range []string{"/actuator/env", "/actuator/prometheus", "/actuator/health", "/actuator/info"} {
		c.look("GET "+path, ask(http.StatusOK, http.MethodGet, path, "", operator...))
	}
	for _, args := range [][]string{{"key", "list"}, {"audit", "list", "--json"}, {"audit", "verify"}, {"check"}} {
		run := start(t, append(args, "--config", configs)...)
		if code := run.wait(t); code != 0 {
			t.Errorf("%v ended with %d: %s", args, code, run.stderr.String())
		}
		c.look(strings.Join(args, " "), run.stdout.String()+run.stderr.String())
	}
	dump, err := exec.CommandContext(t.Context(), "pg_dump", "--dbname", address).CombinedOutput()
	if err != nil {
		t.Fatalf("pg_dump: %v\n%s", err, dump)
	}
	c.look("the database", string(dump))
	eventually(t, patience, "traces arrive", func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.seen["the traces"] != ""
	})
	p.signal(syscall.SIGTERM) // what is known is kept on the disk at the latest then
	p.wait(t)
	c.look("the data directory", "")
	c.look("the log", p.stdout.String()+p.stderr.String())
	err = filepath.WalkDir(data, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		c.look("the data directory", string(b))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	c.check(t)
}

// stringAfter returns the JSON string that follows before in text.
func stringAfter(t *testing.T, text, before string) string {
	t.Helper()
	_, rest, found := strings.Cut(text, before)
	s, _, ended := strings.Cut(rest, `"`)
	if !found || !ended || s == "" {
		t.Fatalf("there is no %s in %s", before, text)
	}
	return s
}
