package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/token-rate-limiter/token-rate-limiter/internal/admin"
	"github.com/token-rate-limiter/token-rate-limiter/internal/apptest"
	"github.com/token-rate-limiter/token-rate-limiter/internal/config"
	"github.com/token-rate-limiter/token-rate-limiter/internal/identity"
	"github.com/token-rate-limiter/token-rate-limiter/internal/telemetry"
	"github.com/token-rate-limiter/token-rate-limiter/internal/tlstest"
)

// binary is the program, as users run it.
var binary string

func TestMain(m *testing.M) {
	if os.Getenv(bareSystem) != "" {
		os.Exit(lookAtBareSystem())
	}
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "command")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir)
		binary = filepath.Join(dir, "token-rate-limiter")
		if out, err := exec.Command("go", "build", "-ldflags", "-X main.version=1.2.3 -X main.commit=abcdef", "-o", binary, ".").CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "%v\n%s", err, out)
			return 1
		}
		return m.Run()
	}())
}

// result is how a run of the program ended.
type result struct {
	code        int
	out, errors string
}

// run runs the program to its end.
func run(t *testing.T, input string, env []string, args ...string) result {
	t.Helper()
	var out, errs bytes.Buffer
	c := exec.CommandContext(t.Context(), binary, args...)
	c.Stdin, c.Stdout, c.Stderr = strings.NewReader(input), &out, &errs
	c.Env = append([]string{"PATH=" + os.Getenv("PATH")}, env...)
	err := c.Run()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return result{c.ProcessState.ExitCode(), out.String(), errs.String()}
}

func TestVersion(t *testing.T) {
	r := run(t, "", nil, "version")
	if want := regexp.MustCompile(`^token-rate-limiter 1\.2\.3 \(commit abcdef, go1\.\d+[^)]*\)\n$`); r.code != 0 || !want.MatchString(r.out) || r.errors != "" {
		t.Errorf("%+v", r)
	}
}

// TestHelp asks every command how it is used.
func TestHelp(t *testing.T) {
	for command, mentions := range map[string][]string{
		"":            {"serve", "check", "mock-vllm", "usage", "healthcheck", "key hash", "user hash", "version", "Exact token limits"},
		"serve":       {"--config", "--profile", "--address"},
		"check":       {"--config", "--profile"},
		"mock-vllm":   {"--address", "--model", "--ledger"},
		"usage":       {"<model>", "<user>", "--url", "--key", "--json"},
		"healthcheck": {"--url"},
		"key hash":    {"standard input"},
		"user hash":   {"<name>", "logging.hash-users"},
		"key":         {"hash"},
		"version":     {"version"},
	} {
		r := run(t, "", nil, append(strings.Fields(command), "--help")...)
		if r.code != 0 || r.errors != "" {
			t.Errorf("%s --help: %+v", command, r)
		}
		for _, m := range mentions {
			if !strings.Contains(r.out, m) {
				t.Errorf("%s --help does not mention %s:\n%s", command, m, r.out)
			}
		}
	}
}

// TestMistakes are command lines that are none: an error that names the
// mistake, and no success.
func TestMistakes(t *testing.T) {
	for line, says := range map[string]string{
		"":                     "expected one of",
		"nonsense":             "nonsense",
		"serve --nonsense":     "--nonsense",
		"serve --confg=x":      "--confg",
		"serve -x":             "-x",
		"serve more":           "more",
		"check --nonsense":     "--nonsense",
		"mock-vllm --nonsense": "--nonsense",
		"usage --nonsense a b": "--nonsense",
		"usage":                "<model>",
		"usage m":              "<user>",
		"usage a b c":          "c",
		"healthcheck --x":      "--x",
		"key":                  "hash",
		"key hash --x":         "--x",
		"user hash":            "name",
		"user hash a b":        "b",
		"key hash secret":      "secret",
		"version --x":          "--x",
		"serve --config":       "--config",
	} {
		r := run(t, "", nil, strings.Fields(line)...)
		if r.code == 0 || !strings.Contains(r.errors, says) {
			t.Errorf("%q: %+v", line, r)
		}
	}
}

func TestKeyHash(t *testing.T) {
	const key = "0123456789abcdef0123456789abcdef"
	want, err := identity.HashKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for _, input := range []string{key, key + "\n", key + "\r\n", " " + key + " \nmore\n"} {
		if r := run(t, input, nil, "key", "hash"); r.code != 0 || r.out != want+"\n" || r.errors != "" {
			t.Errorf("%q: %+v", input, r)
		}
	}
	for _, input := range []string{"", "\n", "short\n"} {
		r := run(t, input, nil, "key", "hash")
		if r.code == 0 || r.out != "" || r.errors == "" || strings.Contains(r.errors, "short\n") {
			t.Errorf("%q: %+v", input, r)
		}
	}
}

// TestUserHash: what it prints is what the log has in place of the name.
func TestUserHash(t *testing.T) {
	for _, name := range []string{"alice", "김철수", "a b", "--"} {
		var line bytes.Buffer
		telemetry.NewLogger(&line, telemetry.LogOptions{HashUsers: true}).Info("request", telemetry.UserKey, name)
		args := []string{"user", "hash", "--", name}
		if r := run(t, "", nil, args...); r.code != 0 || r.errors != "" || !strings.Contains(line.String(), `"user":"`+strings.TrimSpace(r.out)+`"`) {
			t.Errorf("%q: %+v, and the log has %s", name, r, line.String())
		}
	}
	for _, name := range []string{"", strings.Repeat("a", 257)} {
		if r := run(t, "", nil, "user", "hash", name); r.code == 0 || r.out != "" || r.errors == "" {
			t.Errorf("%q: %+v", name, r)
		}
	}
}

// write makes a configuration folder.
func write(t *testing.T, yaml string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "application.yml"), []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestCheck(t *testing.T) {
	const good = "vllm: {services: {m: {endpoints: ['http://h:8000'], api-key: '${SECRET}'}}}\ntoken: {rate-limit: {models: {m: {max-tokens-per-minute: 7}}}}\n"
	r := run(t, "", []string{"SECRET=hunter2"}, "check", "--config", write(t, good))
	if r.code != 0 || !strings.Contains(r.out, "max-tokens-per-minute: 7") || strings.Contains(r.out, "hunter2") {
		t.Errorf("%+v", r)
	}
	if want := "application.yml:1:1: auth.api-keys: authentication is on and there is no API key"; !strings.HasPrefix(r.errors, "warning: ") || !strings.Contains(r.errors, want) {
		t.Errorf("no warning: %+v", r)
	}
	r = run(t, "", nil, "check", "--config", write(t, good))
	if r.code == 0 || !strings.Contains(r.errors, "SECRET") || !strings.Contains(r.errors, "1:") {
		t.Errorf("without the environment variable: %+v", r)
	}
	r = run(t, "", nil, "check", "--config", write(t, "vllm: {services: {m: http://h}}\ntoken:\n  rate-limit:\n    model:\n      m: {}\n"))
	if r.code == 0 || !strings.Contains(r.errors, "application.yml:4:5") || !strings.Contains(r.errors, "models") {
		t.Errorf("a misspelt key: %+v", r)
	}
	if r = run(t, "", nil, "check", "--config", filepath.Join(t.TempDir(), "none")); r.code == 0 || !strings.Contains(r.errors, "none") {
		t.Errorf("no folder: %+v", r)
	}
}

// TestUsage asks a running gateway, with and without authentication.
func TestUsage(t *testing.T) {
	const key = "0123456789abcdef0123456789abcdef"
	hash, _ := identity.HashKey(key)
	g := apptest.Start(t, apptest.Options{
		Auth: true, Config: fmt.Sprintf("auth: {api-keys: [{name: a, user: 'al/ice b', hash: %q, roles: [user, admin]}]}", hash),
		Limits: "{max-tokens-per-minute: 1000, max-requests-per-day: 10, max-concurrent-requests: 3}", Aliases: []string{"org/model"},
	})
	q := g.Request(t.Context(), "/v1/chat/completions", "", `{"model":"llama2-7b","messages":[{"role":"user","content":"Hello there"}],"mock":{"output_tokens":10}}`)
	q.Header.Set("Authorization", "Bearer "+key)
	response, err := http.DefaultClient.Do(q)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatal(response, err)
	}
	response.Body.Close()
	total := g.Ledger.Sum("", "")

	env := []string{"TOKEN_RATE_LIMITER_KEY=" + key}
	r := run(t, "", env, "usage", "--url", g.URL+"/", apptest.Model, "al/ice b")
	lines := strings.Split(strings.TrimSpace(r.out), "\n")
	if r.code != 0 || len(lines) != 6 || !strings.HasPrefix(lines[0], "al/ice b on llama2-7b at 2") || !strings.HasPrefix(lines[1], "SCOPE") {
		t.Fatalf("%+v", r)
	}
	for i, want := range []string{
		fmt.Sprintf("user tokens minute 1000 %d 0 %d", total.Input+total.Output, 1000-total.Input-total.Output),
		"user requests day 10 1 0 9", "model concurrent_requests 3 0", "user concurrent_requests unlimited 0",
	} {
		if got := strings.Join(strings.Fields(lines[2+i]), " "); !strings.HasPrefix(got, want) {
			t.Errorf("line %d is %q, want %q", 2+i, got, want)
		}
	}
	var u admin.Usage
	if r := run(t, "", []string{"TOKEN_RATE_LIMITER_KEY=" + key + "\n"}, "usage", "--url", g.URL, apptest.Model, "x"); r.code != 0 {
		t.Errorf("a key from a file with a newline: %+v", r)
	}
	if r = run(t, "", env, "usage", "--json", "--url", g.URL, apptest.Model, "al/ice b"); json.Unmarshal([]byte(r.out), &u) != nil || u.User != "al/ice b" {
		t.Errorf("%+v", r)
	}
	for what, tt := range map[string]struct {
		env  []string
		args []string
		says string
	}{
		"no key":    {nil, []string{"--url", g.URL, apptest.Model, "x"}, "invalid_api_key"},
		"no model":  {env, []string{"--url", g.URL, "nobody", "x"}, "model_not_found"},
		"no server": {env, []string{"--url", "http://127.0.0.1:1", apptest.Model, "x"}, "127.0.0.1:1"},
		"no URL":    {env, []string{"--url", ":::", apptest.Model, "x"}, "--url"},
	} {
		r := run(t, "", tt.env, append([]string{"usage"}, tt.args...)...)
		if r.code == 0 || r.out != "" || !strings.Contains(r.errors, tt.says) || strings.Contains(r.errors, key) {
			t.Errorf("%s: %+v", what, r)
		}
	}
	for _, name := range []string{"..", ".", "한국어", "a?b#c%d"} {
		if r := run(t, "", env, "usage", "--json", "--url", g.URL, "org/model", name); json.Unmarshal([]byte(r.out), &u) != nil || u.User != name || u.Model != "org/model" {
			t.Errorf("the user %q: %+v", name, r)
		}
	}
}

func TestHealthcheck(t *testing.T) {
	g := apptest.Start(t, apptest.Options{})
	if r := run(t, "", nil, "healthcheck", "--url", g.URL); r.code != 0 || r.out+r.errors != "" {
		t.Errorf("%+v", r)
	}
	if err := g.Stop(); err != nil {
		t.Fatal(err)
	}
	if r := run(t, "", nil, "healthcheck", "--url", g.URL); r.code == 0 || r.errors == "" {
		t.Errorf("of a gateway that has ended: %+v", r)
	}
}

// TestWelcome: what is shown to be tried works as it is shown.
func TestWelcome(t *testing.T) {
	const mock = "vllm: {services: {m: 'mock:'}}\n"
	const limits = "token: {rate-limit: {defaults: {max-tokens-per-minute: 9}}}\n"
	const open = "auth: {enabled: false}\n"
	for text, tt := range map[string]struct{ shown, denied bool }{
		mock + limits + open: {true, true},
		mock + open:          {true, false},
		mock + limits:        {},
		"vllm: {services: {m: http://h}}\n" + open:                {},
		mock + open + "server: {tls: {certificate: c, key: k}}\n": {},
	} {
		cfg, err := config.Load(config.Options{Files: fstest.MapFS{"application.yml": {Data: []byte(text)}}, Env: os.LookupEnv, Environ: os.Environ})
		if err != nil {
			t.Fatal(err)
		}
		got := welcome(cfg, "[::]:81")
		if strings.Contains(got, "http://127.0.0.1:81/v1/") != tt.shown || (got != "") != tt.shown || strings.Contains(got, "429") != tt.denied {
			t.Errorf("%s: %s", text, got)
		}
	}
}

// TestWrongVariablesAreTold: what would end serve is found by check, together with the
// mistakes of the files.
func TestWrongVariablesAreTold(t *testing.T) {
	env := []string{"OTEL_EXPORTER_OTLP_ENDPOINT=:::"}
	const model = "server: {address: '127.0.0.1:0'}\nvllm: {services: {m: http://h}}\n"
	for _, command := range []string{"check", "serve"} {
		if r := run(t, "", env, command, "--config", write(t, model)); r.code == 0 || !strings.Contains(r.errors, "OTEL_EXPORTER_OTLP_ENDPOINT is no http") || r.out != "" {
			t.Errorf("%s: %+v", command, r)
		}
		r := run(t, "", env, command, "--config", write(t, model+"logging: {level: loud}\n"))
		if !strings.Contains(r.errors, "OTEL_EXPORTER_OTLP_ENDPOINT is no http") || !strings.Contains(r.errors, `logging.level: "loud"`) {
			t.Errorf("%s, with a mistake: %+v", command, r)
		}
	}
	if r := run(t, "", []string{"OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:1"}, "check", "--config", write(t, model)); r.code != 0 {
		t.Errorf("a collector that is away: %+v", r)
	}
	overruled := []string{
		"OTEL_TRACES_EXPORTER=otlp", "OTEL_EXPORTER_OTLP_HEADERS=swordfish", "OTEL_EXPORTER_OTLP_TRACES_HEADERS=api-key=swordfish",
	}
	if r := run(t, "", overruled, "check", "--config", write(t, model)); r.code != 0 || strings.Contains(r.errors+r.out, "swordfish") {
		t.Errorf("a variable that another one overrules: %+v", r)
	}
}

// TestHealthcheckOfTheWrongAddress: what is probably wrong is told with what to write.
func TestHealthcheckOfTheWrongAddress(t *testing.T) {
	g := apptest.Start(t, apptest.Options{Config: "management: {address: '127.0.0.1:0'}"})
	encrypted := apptest.Start(t, apptest.Options{TLS: true})
	for what, tt := range map[string]struct {
		args []string
		says string
	}{
		"apart":         {[]string{"healthcheck", "--url", g.Management(t)}, ""},
		"for clients":   {[]string{"healthcheck", "--url", g.URL}, "404 Not Found: .*; is it a gateway\\? Where management.address is set, it answers that there: write that in --url"},
		"for operators": {[]string{"usage", "--url", g.Management(t), apptest.Model, "x"}, "404 .*; is it management.address\\? Usage is told on server.address"},
		"of clients":    {[]string{"healthcheck", "--url", g.Management(t) + "/v1"}, "404 .*; --url has a path, .*write http://HOST:PORT alone"},
		"nobody":        {[]string{"healthcheck", "--url", "http://127.0.0.1:1"}, "connection refused; is the gateway running, and is --url the address that it listens on"},
		"not encrypted": {[]string{"healthcheck", "--url", strings.Replace(g.URL, "http:", "https:", 1)}, "the gateway has no server.tls: write http:// in --url"},
		"encrypted":     {[]string{"healthcheck", "--url", strings.Replace(encrypted.URL, "https:", "http:", 1)}, "400 .*the gateway has server.tls: write https:// in --url"},
		"not trusted":   {[]string{"healthcheck", "--url", encrypted.URL}, "certificate .*; name the authority by --ca-file"},
	} {
		if r := run(t, "", nil, tt.args...); (r.code == 0) != (tt.says == "") || !regexp.MustCompile("(?s)"+tt.says).MatchString(r.errors) {
			t.Errorf("%s: %+v", what, r)
		}
	}
}

// TestOverTLS asks a gateway that shows a certificate of its own making.
func TestOverTLS(t *testing.T) {
	g := apptest.Start(t, apptest.Options{TLS: true, Limits: "{max-tokens-per-minute: 1000}"})
	byName := strings.Replace(g.URL, "127.0.0.1", "localhost", 1)
	ca := g.Files.Certificate
	for what, tt := range map[string]struct {
		args []string
		says string
	}{
		"trusted":        {[]string{"healthcheck", "--url", g.URL, "--ca-file", ca}, ""},
		"another name":   {[]string{"healthcheck", "--url", byName, "--ca-file", ca, "--server-name", "gateway.test"}, ""},
		"usage":          {[]string{"usage", "--url", g.URL, "--ca-file", ca, apptest.Model, "alice"}, ""},
		"not trusted":    {[]string{"healthcheck", "--url", g.URL}, "certificate"},
		"the wrong name": {[]string{"healthcheck", "--url", byName, "--ca-file", ca}, "localhost"},
		"no such file":   {[]string{"healthcheck", "--url", g.URL, "--ca-file", "/none/ca.pem"}, "--ca-file: open /none/ca.pem"},
		"no certificate": {[]string{"healthcheck", "--url", g.URL, "--ca-file", g.Files.Key}, "--ca-file: " + g.Files.Key + " has no certificate"},
	} {
		if r := run(t, "", nil, tt.args...); (r.code == 0) != (tt.says == "") || !strings.Contains(r.errors, tt.says) {
			t.Errorf("%s: %+v", what, r)
		}
	}
}

// TestCheckReadsTheFilesThatAreNamed: what would keep the gateway from starting is
// found before.
func TestCheckReadsTheFilesThatAreNamed(t *testing.T) {
	a, b := tlstest.New(t), tlstest.New(t)
	const model = "\nvllm: {services: {m: http://h}}\n"
	if r := run(t, "", nil, "check", "--config", write(t, "server: {tls: "+a.YAML()+"}"+model)); r.code != 0 {
		t.Errorf("a pair: %+v", r)
	}
	a.Key = b.Key
	wrong := write(t, "logging: {level: loud}\nserver: {tls: "+a.YAML()+"}\nredis: {host: h, tls: {enabled: true, ca-file: /none/redis.pem}}"+
		"\nvllm: {services: {m: {endpoints: [https://h], ca-file: /none/m.pem}}}\n")
	for _, command := range []string{"check", "serve"} {
		r := run(t, "", nil, command, "--config", wrong)
		for _, want := range []string{
			`application.yml:1:18: logging.level: "loud" `, "application.yml:2:",
			fmt.Sprintf(": server.tls.key: %q is not the key of %q", b.Key, a.Certificate),
			`application.yml:3:48: redis.tls.ca-file: "/none/redis.pem" `, `application.yml:4:56: vllm.services.m.ca-file: "/none/m.pem" `,
		} {
			if r.code == 0 || r.out != "" || !strings.Contains(r.errors, want) {
				t.Errorf("%s: %q is missing in %+v", command, want, r)
			}
		}
	}
}
