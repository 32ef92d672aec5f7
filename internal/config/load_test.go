package config

import (
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/token-rate-limiter/token-rate-limiter/internal/binding"
	"github.com/token-rate-limiter/token-rate-limiter/internal/identity"
	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
)

// variables is an environment.
type variables map[string]string

func (v variables) look(name string) (string, bool) {
	value, ok := v[name]
	return value, ok
}

// byValue compares what has fields that only its package sees, and no places.
var byValue = cmp.Options{cmpopts.EquateComparable(netip.Prefix{}), cmpopts.IgnoreFields(Config{}, "Warnings")}

// folder is a directory of configuration files by name.
type folder map[string]string

func (f folder) load(profile string, env variables) (*Config, error) {
	files := fstest.MapFS{}
	for name, text := range f {
		files[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return Load(Options{Dir: "conf", Profile: profile, Env: env.look, Files: files})
}

// aModel is what a configuration needs at least.
const aModel = "\nvllm: {services: {a-model: 'http://a-model'}}\n"

// mistakesOf loads text as application.yml, with a model in the profile where the text
// names none, and returns the mistakes.
func mistakesOf(text string) error { return mistakesIn(text, nil) }

func mistakesIn(text string, env variables) error {
	f, profile := folder{"application.yml": text}, ""
	if !strings.Contains(text, "services:") {
		f["application-m.yml"], profile = aModel, "m"
	}
	_, err := f.load(profile, env)
	return err
}

// load loads application.yml with the text given, and aModel if that has no
// service; it must be right.
func load(t *testing.T, text string, env variables) *Config {
	t.Helper()
	if !strings.Contains(text, "services:") {
		text += aModel
	}
	c, err := folder{"application.yml": text}.load("", env)
	if err != nil {
		t.Fatalf("Load: %v\nof\n%s", err, text)
	}
	return c
}

func read(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// perUser returns what the limits of the sample come to, for one model.
func perUser(minute, hour, day int64) Limits {
	return Limits{Windows: []limit.Limit{
		{Meter: limit.Tokens, Window: limit.Minute, Max: minute}, {Meter: limit.Tokens, Window: limit.Hour, Max: hour},
		{Meter: limit.Tokens, Window: limit.Day, Max: day},
	}}
}

// one returns a single limit of a window.
func one(m limit.Meter, w limit.Window, most int64) Limits {
	return Limits{Windows: []limit.Limit{{Meter: m, Window: w, Max: most}}}
}

// atOnce returns a limit of running requests.
func atOnce(most int64) Limits { return Limits{Concurrent: &most} }

func TestSampleLoadsAsItStands(t *testing.T) {
	want := defaults()
	want.Redis = defaultRedis()
	want.RateLimit.Store = StoreRedis
	want.RateLimit.Models = map[string]Model{
		"llama2-7b": {
			Settings: defaultSettings(),
			User:     perUser(2000, 20_000, 200_000),
			Total:    atOnce(10),
		},
		"gpt-3.5-turbo": {
			Settings: defaultSettings(),
			User:     perUser(1000, 10_000, 100_000),
			Total:    atOnce(5),
		},
	}
	for name, url := range map[string]ServerURL{
		"llama2-7b":     "http://vllm-llama2-7b-service:8000",
		"gpt-3.5-turbo": "http://vllm-gpt35-service:8000",
	} {
		s := defaultService(name)
		s.Servers = []ServerURL{url}
		want.Services[name] = s
	}
	if diff := cmp.Diff(want, load(t, read(t, "sample.yml"), nil), byValue); diff != "" {
		t.Error("sample (-want +got):\n" + diff)
	}

	moved := load(t, read(t, "sample.yml"), variables{"REDIS_HOST": "store", "REDIS_PORT": "7000"})
	want.Redis.Host, want.Redis.Port = "store", 7000
	if diff := cmp.Diff(want, moved, byValue); diff != "" {
		t.Error("sample with variables (-want +got):\n" + diff)
	}
}

func TestVocabulary(t *testing.T) {
	c := load(t, read(t, "vocabulary.yml"), variables{"VLLM_API_KEY": "s3cret"})
	wantService := Service{
		Servers: []ServerURL{"https://b:8443/base"}, CAFile: "ca.pem",
		ServedAs: "meta-llama/Llama-2-7b", APIKey: "s3cret", ContextLength: 4096,
		ConnectTimeout: 3 * time.Second, FirstByteTimeout: 4 * time.Minute,
		ResponseTimeout: 9 * time.Minute, IdleTimeout: 50 * time.Second,
		HealthInterval: 5 * time.Second, BreakerFailures: 5, BreakerOutcomes: 10, BreakerWait: 5 * time.Second,
		ForwardHeaders: []string{"X-Tenant"}, AllowFields: []string{"priority", "stream_interval"}, UnknownFields: UnknownRefuse,
	}
	if diff := cmp.Diff(wantService, c.Services["NAME2"]); diff != "" {
		t.Error("service (-want +got):\n" + diff)
	}
	wantAuth := Auth{Enabled: true, APIKeys: []APIKey{{
		Name: "laptop", User: "alice", Roles: []identity.Role{identity.User, identity.Admin}, ActAs: true,
		Models: []string{"NAME", "llama2-*"}, Endpoints: []string{"chat_completions", "embeddings"},
		Hash: "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
	}}, JWT: c.Auth.JWT}
	wantIssuers(t, c.Auth.JWT.Issuers)
	if diff := cmp.Diff(wantAuth, c.Auth); diff != "" {
		t.Error("auth (-want +got):\n" + diff)
	}
	if diff := cmp.Diff(Logging{LevelWarn, FormatText, true}, c.Logging); diff != "" {
		t.Error("logging (-want +got):\n" + diff)
	}
	if diff := cmp.Diff(Management{Address: "127.0.0.1:9090", Pprof: true}, c.Management); diff != "" {
		t.Error("management (-want +got):\n" + diff)
	}
	if got := fmt.Sprint(c.Server.CORSOrigins, c.Server.TrustedProxies); got != "[https://chat.example.com *] [10.0.0.0/8 192.0.2.7/32 2001:db8::/32]" {
		t.Error(got)
	}
	wantModel(t, c.RateLimit.Models["NAME"])
}

func wantModel(t *testing.T, got Model) {
	t.Helper()
	want := Model{Settings: defaultSettings(), Total: one(limit.Tokens, limit.Minute, 100_000)}
	total, each := int64(10), int64(2)
	want.Total.Concurrent, want.User.Concurrent = &total, &each
	want.Reserve, want.Overrun, want.MaxDebt = ReserveWorstCase, OverrunStop, 0
	for _, m := range []struct {
		meter limit.Meter
		first int64
	}{{limit.Tokens, 2000}, {limit.InputTokens, 1500}, {limit.OutputTokens, 1600}, {limit.Requests, 60}} {
		for i, window := range limit.Windows {
			want.User.Windows = append(want.User.Windows, limit.Limit{Meter: m.meter, Window: window, Max: m.first + int64(i)})
		}
	}
	if diff := cmp.Diff(want, got, byValue); diff != "" {
		t.Error("model (-want +got):\n" + diff)
	}
}

func TestInheritance(t *testing.T) {
	c := load(t, `
token:
  rate-limit:
    models:
      own: {max-debt: 3, max-tokens-per-minute: 0}
      bare: {max-requests-per-day: 7}
    defaults: {image-tokens: 5, max-tokens-per-minute: 9}
    max-debt: 2
    reserve: worst-case
vllm:
  services: {own: http://a, bare: http://b, other: http://c}
`, nil)
	base := defaultSettings()
	base.MaxDebt, base.Reserve = 2, ReserveWorstCase
	own, other := base, base
	own.MaxDebt, other.ImageTokens = 3, 5
	want := map[string]Model{
		"own":   {Settings: own, User: one(limit.Tokens, limit.Minute, 0)},
		"bare":  {Settings: base, User: one(limit.Requests, limit.Day, 7)},
		"other": {Settings: other, User: one(limit.Tokens, limit.Minute, 9)},
	}
	if diff := cmp.Diff(want, c.RateLimit.Models); diff != "" {
		t.Error("models (-want +got):\n" + diff)
	}
}

func TestStoreIsResolved(t *testing.T) {
	for name, x := range map[string]struct {
		text string
		want Store
	}{
		"nothing":               {"", StoreMemory},
		"redis":                 {"redis: {host: a}", StoreRedis},
		"redis, all defaults":   {"redis:", StoreRedis},
		"redis taken away":      {"redis: null", StoreMemory},
		"spring":                {"spring: {data: {redis: {host: a}}}", StoreRedis},
		"spring of nothing":     {"spring: {data: {redis: }}", StoreMemory},
		"memory in spite of it": {"redis: {host: a}\ntoken: {rate-limit: {store: memory}}", StoreMemory},
	} {
		if got := load(t, x.text, nil).RateLimit.Store; got != x.want {
			t.Errorf("%s: %s, want %s", name, got, x.want)
		}
	}
}

func TestShippedProfiles(t *testing.T) {
	for profile, want := range map[string]struct {
		store Store
		auth  bool
		mock  bool
	}{
		"":       {StoreRedis, true, false},
		"dev":    {StoreMemory, false, true},
		"prod":   {StoreRedis, true, false},
		"docker": {StoreRedis, true, false},
		"test":   {StoreMemory, false, true},
	} {
		c, err := Load(Options{Dir: "../../configs", Profile: profile, Env: variables{}.look})
		if err != nil {
			t.Errorf("profile %q: %v", profile, err)
			continue
		}
		got := want
		got.store, got.auth, got.mock = c.RateLimit.Store, c.Auth.Enabled, c.Services["llama2-7b"].Servers[0] == MockServer
		if got != want || len(c.RateLimit.Models) != 2 || c.Profile != profile {
			t.Errorf("profile %q: %+v with %d models, want %+v with 2", profile, got, len(c.RateLimit.Models), want)
		}
	}
}

func TestMissingAndUnreadableFiles(t *testing.T) {
	_, err := folder{}.load("", nil)
	wantErrors(t, err, "conf/application.yml: the file does not exist; create it, or name the directory that has it by --config")

	denied := Options{Dir: "conf", Files: deniedFS{}}
	_, err = Load(denied)
	wantErrors(t, err, "conf/application.yml: the file cannot be read: permission denied")

	_, err = Load(Options{Dir: t.TempDir()})
	if !errors.As(err, new(*binding.Error)) {
		t.Errorf("from the operating system's files: %v, want an *Error", err)
	}
}

// A pipe in place of a file is a mistake, and nobody waits for who writes into it.
func TestPipes(t *testing.T) {
	dir := t.TempDir()
	pipe := func(name string) string {
		path := filepath.Join(dir, name)
		if err := syscall.Mkfifo(path, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	pipe("application-other.yml")
	authorities := pipe("authorities.pem")
	o := Options{Dir: dir}
	before := o.Sum()
	file := pipe("application.yml")
	if o.Sum() == before {
		t.Error("the sum is as it was")
	}
	_, err := Load(o)
	wantErrors(t, err, file+": the file cannot be read: it is no regular file")
	c := &Config{Services: map[string]Service{"a": {CAFile: authorities}}}
	if c.SumNamed() == (&Config{}).SumNamed() {
		t.Error("a named file does not count")
	}
}

type deniedFS struct{}

func (deniedFS) Open(name string) (fs.File, error) {
	return nil, &fs.PathError{Op: "open", Path: name, Err: errors.New("permission denied")}
}

// wantErrors compares the lines of an error.
func wantErrors(t *testing.T, err error, want ...string) {
	t.Helper()
	var got []string
	var list binding.Errors
	if errors.As(err, &list) {
		for _, e := range list {
			got = append(got, e.Error())
		}
	}
	if diff := cmp.Diff(want, got, byValue); diff != "" {
		t.Errorf("mistakes (-want +got):\n%s", diff)
	}
}

func TestSharedLimits(t *testing.T) {
	c := load(t, `
vllm:
  services:
    llama2-7b: {endpoints: [http://a, http://b], breaker-failures: 0, health-interval: 1s}
    gpt-4: {endpoints: [http://a], served-as: llama2-7b, share-limits-with: llama2-7b}
token: {rate-limit: {defaults: {max-tokens-per-minute: 7}}}
`, nil)
	if diff := cmp.Diff([]ServerURL{"http://a", "http://b"}, c.Services["llama2-7b"].Servers); diff != "" {
		t.Error("endpoints (-want +got):\n" + diff)
	}
	if s := c.Services["gpt-4"]; s.ShareLimitsWith != "llama2-7b" || s.ServedAs != "llama2-7b" {
		t.Errorf("the alias is %+v", s)
	}
	if m, ok := c.RateLimit.Models["gpt-4"]; ok {
		t.Errorf("the alias has limits of its own: %+v", m)
	}
	if len(c.RateLimit.Models["llama2-7b"].User.Windows) != 1 {
		t.Errorf("the model has %+v, want the defaults", c.RateLimit.Models["llama2-7b"])
	}
}

// TestAddressesInLists: a port needs no quotes, however a list is written.
func TestAddressesInLists(t *testing.T) {
	want := []ServerURL{"http://a:8000", "https://b:8443/base", "http://[::1]:81"}
	for _, text := range []string{
		"vllm: {services: {m: {endpoints: [http://a:8000, https://b:8443/base, 'http://[::1]:81']}}}",
		"vllm: {services: {m: {endpoints: [http://a:8000,https://b:8443/base,'http://[::1]:81'], served-as: x}}}",
		"vllm:\n  services:\n    m:\n      endpoints: [http://a:8000, https://b:8443/base, 'http://[::1]:81']",
		"vllm:\n  services:\n    m:\n      endpoints:\n        - http://a:8000\n        - https://b:8443/base\n        - http://[::1]:81",
	} {
		if diff := cmp.Diff(want, load(t, text, nil).Services["m"].Servers); diff != "" {
			t.Errorf("%s (-want +got):\n%s", text, diff)
		}
	}
}

// TestFindings: what others find is told like what Load finds itself, once for
// each setting.
func TestFindings(t *testing.T) {
	asked := func(*Config) []Finding {
		return []Finding{
			{Setting: []string{"server", "tls", "certificate"}, Problem: "is odd", Remedy: "write another"},
			{Setting: []string{"server", "tls", "key"}, Problem: "is odd", Remedy: "write another"},
			{Setting: []string{"redis", "tls", "ca-file"}, Problem: "is odd", Remedy: "write another"},
			{Setting: []string{"vllm", "services", "m.1", "ca-file"}, Problem: "is odd", Remedy: "write another"},
		}
	}
	_, err := Load(Options{Dir: "conf", Profile: "x", Check: asked, Env: variables{"A": "a.pem"}.look, Files: fstest.MapFS{
		"application.yml":   {Data: []byte("server:\n  tls: {certificate: '${A}', key: b.pem}\n")},
		"application-x.yml": {Data: []byte("vllm:\n  services:\n    m.1: {endpoints: [x], ca-file: c.pem}\nserver: {tls: {key: \"\\n\"}}\n")},
	}})
	wantErrors(t, err,
		`conf/application-x.yml: redis.tls.ca-file: "" is odd; write another`,
		`conf/application-x.yml:3:23: vllm.services["m.1"].endpoints[0]: "x" is not an http or https URL; write an address such as http://host:8000`,
		`conf/application-x.yml:3:36: vllm.services["m.1"].ca-file: "c.pem" is odd; write another`,
		`conf/application-x.yml:4:21: server.tls.key: "\n" holds a control character; remove it; a newline may come from the end of a secret's file`,
		`conf/application.yml:2:22: server.tls.certificate: "a.pem" (from ${A}) is odd; write another`,
	)
}
