package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
)

func TestMerge(t *testing.T) {
	base := `
server: {idle-timeout: 1s, body-timeout: 2s}
token:
  rate-limit:
    models:
      a: {max-tokens-per-minute: 1, max-tokens-per-hour: 2}
      b: {max-tokens-per-minute: 3}
vllm:
  services:
    a: {endpoints: [http://a], forward-headers: [X-A, X-B]}
    b: http://b
`
	for name, x := range map[string]struct {
		over  string
		check func(*Config) (got, want any)
	}{
		"maps merge": {"server: {body-timeout: 9s}", func(c *Config) (any, any) {
			return []time.Duration{c.Server.IdleTimeout, c.Server.BodyTimeout}, []time.Duration{time.Second, 9 * time.Second}
		}},
		"names merge": {"token: {rate-limit: {models: {a: {max-tokens-per-hour: 5}}}}", func(c *Config) (any, any) {
			return c.RateLimit.Models["a"].User, Limits{Windows: []limit.Limit{{Window: limit.Minute, Max: 1}, {Window: limit.Hour, Max: 5}}}
		}},
		"lists replace": {"vllm: {services: {a: {forward-headers: [X-C]}}}", func(c *Config) (any, any) {
			return c.Services["a"].ForwardHeaders, []string{"X-C"}
		}},
		"the short form replaces the long one": {"vllm: {services: {a: http://c}}", func(c *Config) (any, any) {
			s := defaultService("a")
			s.Servers = []ServerURL{"http://c"}
			return c.Services["a"], s
		}},
		"null takes a maximum away": {"token: {rate-limit: {models: {a: {max-tokens-per-hour: null}}}}", func(c *Config) (any, any) {
			return c.RateLimit.Models["a"].User, one(limit.Tokens, limit.Minute, 1)
		}},
		"null takes a model away": {"token: {rate-limit: {models: {b: ~}}}\nvllm: {services: {b: ~}}", func(c *Config) (any, any) {
			return len(c.Services) + len(c.RateLimit.Models), 2
		}},
		"a section of nothing changes nothing": {"token:\n  rate-limit:\n#   models: {}\n", func(c *Config) (any, any) {
			return c.RateLimit.Models["b"].User, one(limit.Tokens, limit.Minute, 3)
		}},
		"a file of nothing changes nothing": {"# nothing\n", func(c *Config) (any, any) {
			return c.Profile, "x"
		}},
	} {
		c, err := folder{"application.yml": base, "application-x.yml": x.over}.load("x", nil)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got, want := x.check(c)
		if diff := cmp.Diff(want, got, byValue); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestProfileChoice(t *testing.T) {
	files := folder{
		"application.yml":      "spring: {profiles: {active: '${ACTIVE:file}'}}" + aModel,
		"application-flag.yml": "", "application-profile.yml": "",
		"application-spring.yml": "", "application-file.yml": "",
	}
	for _, x := range []struct {
		flag string
		env  variables
		want string
	}{
		{"flag", variables{"PROFILE": "profile", "SPRING_PROFILES_ACTIVE": "spring"}, "flag"},
		{"", variables{"PROFILE": "profile", "SPRING_PROFILES_ACTIVE": "spring"}, "profile"},
		{"", variables{"PROFILE": "", "SPRING_PROFILES_ACTIVE": "spring"}, "spring"},
		{"", nil, "file"},
		{"", variables{"ACTIVE": "spring"}, "spring"},
		{"", variables{"ACTIVE": ""}, ""},
	} {
		c, err := files.load(x.flag, x.env)
		if err != nil || c.Profile != x.want {
			t.Errorf("flag %q, environment %v: %v, %v; want %q", x.flag, x.env, c, err, x.want)
		}
	}
}

// TestMissingFilesHideNothing: what there is is looked at, and what may be in the other
// file is not missed.
func TestMissingFilesHideNothing(t *testing.T) {
	const base = "spring: {profiles: {active: deb}}\nlogging: {level: loud}\ntoken: {rate-limit: {store: redis, models: {m: {max-tokens-per-day: -1}}}}\nauth: {api-keys: [{name: a}]}\n"
	loud := `logging.level: "loud" is not a choice; write debug, info, warn or error`
	for name, x := range map[string]struct {
		files folder
		flag  string
		want  []string
	}{
		"no file of the profile": {folder{"application.yml": base, "application-dev.yml": ""}, "", []string{
			`conf/application.yml:1:29: spring.profiles.active: "deb" has no file conf/application-deb.yml; create it, or choose dev`,
			"conf/application.yml:2:18: " + loud,
			"conf/application.yml:3:69: token.rate-limit.models.m.max-tokens-per-day: -1 is negative; write 0 to block, or remove the key for no limit",
			"conf/application.yml:4:19: auth.api-keys[0]: has no user or hash; write name, user, hash and roles",
		}},
		"another ending of the profile": {folder{"application.yml": aModel, "application-dev.yaml": ""}, "dev", []string{
			`conf: --profile: "dev" has no file conf/application-dev.yml; rename application-dev.yaml to application-dev.yml`,
		}},
		"no base": {folder{"application.yaml": "", "application-dev.yml": "logging: {level: loud}"}, "dev", []string{
			"conf/application-dev.yml:1:18: " + loud,
			"conf/application.yml: the file does not exist; rename application.yaml to application.yml",
		}},
		"no base, but properties": {folder{"application.properties": ""}, "", []string{
			"conf/application.yml: the file does not exist; write what application.properties says as YAML into application.yml",
		}},
		"a base that is no YAML": {folder{"application.yml": "a: [", "application-dev.yml": "logging: {level: loud}"}, "dev", []string{
			"conf/application-dev.yml:1:18: " + loud,
			"conf/application.yml:1:4: what begins here with [ or { is not closed; write its ] or }",
		}},
		"a profile that is no YAML": {folder{"application.yml": "logging: {level: loud}", "application-dev.yml": "a: ["}, "dev", []string{
			"conf/application-dev.yml:1:4: what begins here with [ or { is not closed; write its ] or }",
			"conf/application.yml:1:18: " + loud,
		}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := x.files.load(x.flag, nil)
			wantErrors(t, err, x.want...)
		})
	}
}

// TestFileInPlaceOfTheFolder: --config names a folder.
func TestFileInPlaceOfTheFolder(t *testing.T) {
	dir := t.TempDir()
	for name, want := range map[string]string{
		"application.yml":     "write --config DIR",
		"application-dev.yml": "write --config DIR --profile dev",
		"my.yml":              "rename it to application.yml, and write --config DIR",
	} {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(aModel), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, profile := range []string{"", "dev"} {
			_, err := Load(Options{Dir: file, Profile: profile, Env: variables{}.look})
			wantErrors(t, err, file+": is a file, where a folder with application.yml is expected; "+strings.Replace(want, "DIR", dir, 1))
		}
	}
}

func TestProfileMistakes(t *testing.T) {
	files := folder{"application.yml": "", "application-dev.yml": "spring:\n  profiles: {active: prod}" + aModel, "application-prod.yml": "vllm: {services: {a: 'mock:', b: http://b}}"}
	for _, x := range []struct {
		flag string
		env  variables
		want string
	}{
		{"pord", nil, `conf: --profile: "pord" has no file conf/application-pord.yml; create it, or choose one of dev, prod`},
		{"../x", nil, `conf: --profile: "../x" is not the name of a profile; choose one of dev, prod`},
		{"", variables{"PROFILE": "dev,prod"}, `conf: PROFILE: "dev,prod" is more than one profile; choose one of dev, prod; what several share belongs into application.yml`},
		{"dev", nil, "conf/application-dev.yml:2:3: spring.profiles: cannot be set by a profile; move it to application.yml"},
		{"prod", nil, `conf/application-prod.yml:1:19: vllm.services.a: "mock:" is not allowed in profile prod; write the address of a model server`},
	} {
		_, err := files.load(x.flag, x.env)
		wantErrors(t, err, x.want)
	}
	_, err := folder{"application.yml": ""}.load("dev", nil)
	wantErrors(t, err, `conf: --profile: "dev" has no file conf/application-dev.yml; create it, or choose none: there is no file application-NAME.yml beside application.yml`)
	for text, want := range map[string]string{
		"spring: {profiles: {active: [a]}}":    "1:29: spring.profiles.active: is a list, and one profile is laid over; write the name of one; what several share belongs into application.yml",
		"spring: {profiles: {active: 'a b'}}":  `1:29: spring.profiles.active: "a b" is not the name of a profile; choose none: there is no file application-NAME.yml beside application.yml`,
		"spring: {profiles: {active: '${A}'}}": "1:29: spring.profiles.active: the environment variable A is not set; set it, or write ${A:default}",
	} {
		_, err := folder{"application.yml": text}.load("", nil)
		wantErrors(t, err, "conf/application.yml:"+want)
	}
}

// TestDatabaseOfOne: in production SQLite is refused where a Redis is shared, for other replicas
// would not know its keys, and nowhere else.
func TestDatabaseOfOne(t *testing.T) {
	const redis, own, shared = "redis: {host: a}\n", "server: {data-directory: /data}\n", "database: {url: 'postgres://db/control'}\n"
	for _, x := range []struct {
		profile, text string
		refused       bool
	}{
		{"prod", redis + own, true},
		{"prod", redis + own + shared, false},
		{"prod", redis + shared, false},
		{"prod", redis + own + "token: {rate-limit: {store: memory}}\n", false},
		{"dev", redis + own, false},
		{"", redis + own, false},
	} {
		files := folder{"application.yml": x.text + aModel, "application-dev.yml": "", "application-prod.yml": ""}
		var want []string
		if x.refused {
			want = append(want, `conf/application.yml:2:26: server.data-directory: "/data" is of one replica, and others that share the Redis would not know its keys; set database.url, or remove it`)
		}
		_, err := files.load(x.profile, nil)
		wantErrors(t, err, want...)
	}
}
