package config

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

// aKey is a credential, without which there is a warning.
const aKey = "\nauth: {api-keys: [{name: a, user: u, hash: '" + goodHash + "'}]}\n"

const limited = "\ntoken: {rate-limit: {defaults: {max-requests-per-day: 5}}}\n"

// warned loads a configuration that is right, and returns what is said of it all the
// same.
func warned(t *testing.T, files folder, profile string, env variables) []string {
	t.Helper()
	o := Options{Dir: "conf", Profile: profile, Env: env.look, Files: files.files(), Environ: func() (list []string) {
		for name, value := range env {
			list = append(list, name+"="+value)
		}
		return list
	}}
	c, err := Load(o)
	if err != nil {
		t.Fatal(err)
	}
	lines := []string{}
	for _, w := range c.Warnings {
		lines = append(lines, w.Error())
	}
	return lines
}

func (f folder) files() fstest.MapFS {
	files := fstest.MapFS{}
	for name, text := range f {
		files[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return files
}

func TestWarnings(t *testing.T) {
	const noKey = "auth.api-keys: authentication is on and there is no API key, so every request is answered with 401; " +
		"make a key with: openssl rand -hex 32; hash it with: token-rate-limiter key hash; and list the hash here"
	for name, tt := range map[string]struct {
		text string
		env  variables
		want []string
	}{
		"nothing":              {aModel + aKey + limited, nil, nil},
		"no key":               {aModel + limited, nil, []string{":1:1: " + noKey}},
		"no key, in its place": {aModel + limited + "auth:\n  enabled: true\n  api-keys: []", nil, []string{":7:3: " + noKey}},
		"authentication off":   {aModel + limited + "auth: {enabled: false}", nil, nil},
		"no limit": {"vllm:\n  services:\n    a: http://h\n    b.c: http://h\n    d: {endpoints: [http://h], share-limits-with: b.c}\ntoken: {rate-limit: {models: {a: {reserve: expected}}}}" + aKey, nil, []string{
			":3:5: vllm.services.a: has no limit; write a maximum such as max-tokens-per-minute in token.rate-limit.models.a",
			`:4:5: vllm.services["b.c"]: has no limit; write token.rate-limit.models["b.c"], or token.rate-limit.defaults for all models without an entry`,
		}},
		"a key of a model that is not served": {aModel + limited + "auth: {api-keys: [{name: a, user: u, hash: '" + goodHash + "', models: [a-model, a-m*, '*', A-MODEL, llama*]}]}", nil, []string{
			`:5:148: auth.api-keys[0].models[3]: A-MODEL is no model that is served; write a public name of vllm.services, or a pattern of some`,
			`:5:157: auth.api-keys[0].models[4]: llama* is no model that is served; write a public name of vllm.services, or a pattern of some`,
		}},
		"limited as a whole, or by what runs": {"vllm: {services: {a: http://h, b: http://h}}\ntoken: {rate-limit: {models: {a: {total: {max-tokens-per-day: 1}}, b: {max-concurrent-requests: 1}}}}" + aKey, nil, nil},
		"a longer window with less": {aModel + aKey + `
token:
  rate-limit:
    defaults:
      max-tokens-per-minute: 100
      max-tokens-per-hour: 1000
      max-tokens-per-day: 999
      max-requests-per-minute: 5
      max-requests-per-day: 5
    models:
      a-model:
        max-output-tokens-per-hour: 0
        max-output-tokens-per-minute: 7
        max-input-tokens-per-hour: 1
        total: {max-tokens-per-hour: 9, max-tokens-per-day: 8}
`, nil, []string{
			":11:27: token.rate-limit.defaults.max-tokens-per-day: 999 is less than max-tokens-per-hour (1000), which nobody can use up then; raise it, or lower the other",
			":16:37: token.rate-limit.models.a-model.max-output-tokens-per-hour: 0 is less than max-output-tokens-per-minute (7), which nobody can use up then; raise it, or lower the other",
			":19:61: token.rate-limit.models.a-model.total.max-tokens-per-day: 8 is less than max-tokens-per-hour (9), which nobody can use up then; raise it, or lower the other",
		}},
		"variables": {aModel + aKey + limited + "spring: {data: {redis: {host: '${REDIS_HOST:h}', port: 7}}}\nserver: {address: ':1'}\n", variables{
			"REDIS_HOST": "h", "SPRING_PROFILES_ACTIVE": "", "SPRING_DATA_REDIS_HOST": "x", "SPRING_DATA_REDIS_PASSWORD": "hunter2", "REDIS_PORT": "tcp://10.0.0.1:6379",
			"TOKEN_RATELIMIT_OVERRUN": "stop", "TOKEN_RATE_LIMIT_MAX_DEBT": "2", "SERVER_PORT": "9", "SPRING_APPLICATION_NAME": "x", "LOGGING_LEVEL_ROOT": "DEBUG", "PATH": "/bin",
			"LOGGING_LEVEL": "", "SERVER_NAME": "x",
		}, []string{
			"~: the environment variable LOGGING_LEVEL_ROOT is set, and not read; unset it: of Spring's variables only SPRING_PROFILES_ACTIVE is understood",
			"~: the environment variable SPRING_APPLICATION_NAME is set, and not read; unset it: of Spring's variables only SPRING_PROFILES_ACTIVE is understood",
			":6:9: token.rate-limit.overrun: is not taken from the environment variable TOKEN_RATELIMIT_OVERRUN, which is set; write ${TOKEN_RATELIMIT_OVERRUN} as its value, or unset the variable",
			":6:9: token.rate-limit.max-debt: is not taken from the environment variable TOKEN_RATE_LIMIT_MAX_DEBT, which is set; write ${TOKEN_RATE_LIMIT_MAX_DEBT} as its value, or unset the variable",
			":7:25: spring.data.redis.host: is not taken from the environment variable SPRING_DATA_REDIS_HOST, which is set; write ${SPRING_DATA_REDIS_HOST} as its value, or unset the variable",
			":7:25: redis.password: is not taken from the environment variable SPRING_DATA_REDIS_PASSWORD, which is set; write ${SPRING_DATA_REDIS_PASSWORD} as its value, or unset the variable",
			":8:1: server.port: is not taken from the environment variable SERVER_PORT, which is set; write ${SERVER_PORT} as its value, or unset the variable",
		}},
		"variables of what has a name or is in a list, in other spellings, and of Kubernetes": {aModel + aKey + limited, variables{
			"TOKEN_RATELIMIT_MODELS_M_MAXTOKENSPERMINUTE": "5", "TOKEN_RATE_LIMIT_DEFAULTS_MAX_TOKENS_PER_DAY": "5", "VLLM_SERVICES_M_ENDPOINTS_0": "http://h", "AUTH_APIKEYS_0_HASH": "hunter2",
			"spring.redis.password": "hunter2", "spring_main_banner": "off", "TOKEN_RATE_LIMITER_KEY": "hunter2",
			"SPRING_APP_SERVICE_HOST": "10.0.0.1", "SPRING_APP_SERVICE_PORT_HTTP": "80", "SPRING_APP_PORT_80_TCP_PROTO": "tcp", "VLLM_SERVICES_SERVICE_PORT": "80",
		}, []string{
			"~: the environment variable AUTH_APIKEYS_0_HASH is set, and not read; write ${AUTH_APIKEYS_0_HASH} as the value of a setting, or unset the variable",
			"~: the environment variable TOKEN_RATELIMIT_MODELS_M_MAXTOKENSPERMINUTE is set, and not read; write ${TOKEN_RATELIMIT_MODELS_M_MAXTOKENSPERMINUTE} as the value of a setting, or unset the variable",
			"~: the environment variable TOKEN_RATE_LIMIT_DEFAULTS_MAX_TOKENS_PER_DAY is set, and not read; write ${TOKEN_RATE_LIMIT_DEFAULTS_MAX_TOKENS_PER_DAY} as the value of a setting, or unset the variable",
			"~: the environment variable VLLM_SERVICES_M_ENDPOINTS_0 is set, and not read; write ${VLLM_SERVICES_M_ENDPOINTS_0} as the value of a setting, or unset the variable",
			"~: the environment variable spring.redis.password is set, and not read; unset it: of Spring's variables only SPRING_PROFILES_ACTIVE is understood",
			"~: the environment variable spring_main_banner is set, and not read; unset it: of Spring's variables only SPRING_PROFILES_ACTIVE is understood",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			want := []string{}
			for _, line := range tt.want {
				if rest, folder := strings.CutPrefix(line, "~"); folder {
					want = append(want, "conf"+rest)
				} else {
					want = append(want, "conf/application.yml"+line)
				}
			}
			got := warned(t, folder{"application.yml": tt.text}, "", tt.env)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if strings.Contains(strings.Join(got, ""), "hunter2") {
				t.Error("a secret is shown")
			}
		})
	}
}

// TestIgnoredFilesAreTold: a file that looks as if it were read.
func TestIgnoredFilesAreTold(t *testing.T) {
	got := warned(t, folder{
		"application.yml": aModel + aKey + limited, "application-dev.yml": "{}", "application.yaml": "x", "application.properties": "x",
		"application-dev.yaml": "x", "application-prod.yaml": "x",
	}, "dev", nil)
	for i, want := range []string{"conf/application-dev.yaml: the file is not read; move what it says to application-dev.yml", "conf/application.properties: ", "conf/application.yaml: "} {
		if i >= len(got) || !strings.HasPrefix(got[i], want) || len(got) != 3 {
			t.Fatalf("%q", got)
		}
	}
	if !slices.IsSorted(got) {
		t.Errorf("%q are not in order", got)
	}
}
