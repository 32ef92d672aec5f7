package e2e

import (
	"net"
	"net/http"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// sound is a configuration without mistakes.
const sound = `server: {address: "127.0.0.1:0"}
auth: {enabled: false}
token:
  rate-limit:
    models:
      llama2-7b:
        max-tokens-per-minute: 2000
vllm: {services: {llama2-7b: "http://127.0.0.1:9"}}
`

// TestMistakesAreToldWithTheirPlace: every mistake of a configuration is told
// at once, with its place and a remedy, by serve and by check.
func TestMistakesAreToldWithTheirPlace(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		files map[string]string
		flags []string
		want  []string // expressions that lines of standard error match
	}{
		"unknown key and negative maximum": {
			files: map[string]string{"application.yml": strings.Replace(sound, "max-tokens-per-minute: 2000",
				"max-tokens-per-minut: 2000\n        max-tokens-per-hour: -5", 1)},
			want: []string{
				`application\.yml:7:9: token\.rate-limit\.models\.llama2-7b\.max-tokens-per-minut: .*did you mean max-tokens-per-minute\?`,
				`application\.yml:8:30: token\.rate-limit\.models\.llama2-7b\.max-tokens-per-hour: -5 is negative`,
			},
		},
		"mistake in the profile": {
			files: map[string]string{"application.yml": sound, "application-live.yml": "server:\n  drain-timeout: 5\n"},
			flags: []string{"--profile", "live"},
			want:  []string{`application-live\.yml:2:18: server\.drain-timeout: .*`},
		},
		"not YAML": {
			files: map[string]string{"application.yml": "server: {address: [}\n"},
			want:  []string{`application\.yml:1:\d+: .+`},
		},
		"mock in production": {
			files: map[string]string{"application.yml": strings.Replace(sound, "http://127.0.0.1:9", "mock:", 1), "application-prod.yml": "{}\n"},
			flags: []string{"--profile", "prod"},
			want:  []string{`application\.yml:8:\d+: vllm\.services\.llama2-7b.*mock`},
		},
		"no file": {
			want: []string{`application\.yml: the file does not exist; .*--config`},
		},
		"no file of the profile": {
			files: map[string]string{"application.yml": sound, "application-dev.yml": "{}\n"},
			flags: []string{"--profile", "deb"},
			want:  []string{`: --profile: "deb" has no file .*application-deb\.yml; .*dev`},
		},
		"no file of the profile that the file chooses, and other mistakes": {
			files: map[string]string{"application.yml": "spring: {profiles: {active: deb}}\n" + strings.Replace(sound, "2000", "-1", 1), "application-dev.yml": "{}\n"},
			want:  []string{`application\.yml:1:29: spring\.profiles\.active: "deb" has no file .*application-deb\.yml; .*dev`, `application\.yml:8:32: .*-1 is negative`},
		},
	} {
		for _, command := range []string{"serve", "check"} {
			t.Run(name+", "+command, func(t *testing.T) {
				args := append([]string{command, "--config", folder(t, c.files)}, c.flags...)
				checkRefused(t, args, c.want)
			})
		}
	}
}

// TestMissingFolderIsTold: the folder of the configuration may not be there.
func TestMissingFolderIsTold(t *testing.T) {
	t.Parallel()
	for _, command := range []string{"serve", "check"} {
		checkRefused(t, []string{command, "--config", "nowhere"}, []string{`nowhere/application\.yml: the file does not exist; .*--config`})
	}
}

// TestUnknownFlagIsTold: a flag that does not exist is an error with a
// suggestion.
func TestUnknownFlagIsTold(t *testing.T) {
	t.Parallel()
	checkRefused(t, []string{"serve", "--confg", "x"}, []string{`unknown flag --confg, did you mean "--config"\?`})
}

// TestTakenPortIsTold: a port in use is told with the setting that names it.
func TestTakenPortIsTold(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	taken := l.Addr().String()
	config := folder(t, map[string]string{"application.yml": sound})
	want := regexp.QuoteMeta(taken) + `: .*address already in use; .*choose another`
	checkRefused(t, []string{"serve", "--config", config, "--address", taken}, []string{`server\.address ` + want})
	checkRefused(t, []string{"mock-vllm", "--address", taken}, []string{`--address: .*` + want})
}

// TestSoundConfigurationIsPrinted: check prints what takes effect.
func TestSoundConfigurationIsPrinted(t *testing.T) {
	t.Parallel()
	p := start(t, "check", "--config", folder(t, map[string]string{"application.yml": sound}))
	if code := p.wait(t); code != 0 || !strings.Contains(p.stdout.String(), "max-tokens-per-minute: 2000") {
		t.Errorf("check ends with %d and prints %s%s", code, p.stdout.String(), p.stderr.String())
	}
}

// TestWarningsAreTold: what is right and probably not meant is told with its place, by
// check and in the log of serve.
func TestWarningsAreTold(t *testing.T) {
	t.Parallel()
	config := folder(t, map[string]string{
		"application.yml":  strings.Replace(sound, "vllm: {services: {", "vllm: {services: {free: \"http://127.0.0.1:9\", ", 1),
		"application.yaml": "{}",
	})
	want := []string{`application\.yml:8:19: vllm\.services\.free: has no limit; write token\.rate-limit\.models\.free`, `application\.yaml: the file is not read`}
	p := start(t, "check", "--config", config)
	if code := p.wait(t); code != 0 {
		t.Errorf("check ends with %d", code)
	}
	served := start(t, "serve", "--config", config)
	for _, w := range want {
		if !regexp.MustCompile(`(?m)^warning: .*` + w).MatchString(p.stderr.String()) {
			t.Errorf("check does not tell %s, but %s", w, p.stderr.String())
		}
		logged := regexp.MustCompile(`"level":"WARN".*` + w)
		eventually(t, patience, "serve to warn", func() bool { return logged.MatchString(served.stderr.String()) })
	}
}

// TestHealthcheckTellsWhetherAGatewayIsReady by its exit code alone.
func TestHealthcheckTellsWhetherAGatewayIsReady(t *testing.T) {
	t.Parallel()
	g := site{server: "http://127.0.0.1:9", models: map[string]string{model: "{}"}}.serve(t)
	if code := start(t, "healthcheck", "--url", g.base).wait(t); code != 0 {
		t.Errorf("of a gateway that is ready it ends with %d", code)
	}
	g.kill()
	if code := start(t, "healthcheck", "--url", g.base).wait(t); code == 0 {
		t.Error("of a gateway that is gone it ends with 0")
	}
	if status, _ := g.get("/actuator/health"); status == http.StatusOK {
		t.Error("the gateway is not gone")
	}
}

// checkRefused runs the program with args and checks that it ends with an
// error that matches every expression, prints nothing else and no stack.
func checkRefused(t *testing.T, args, want []string) {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		t.Fatal(err)
	}
	p := start(t, args...)
	if code := p.wait(t); code == 0 {
		t.Errorf("%v ends with 0", args)
	}
	told := p.stderr.String()
	for _, w := range want {
		if !regexp.MustCompile(w).MatchString(told) {
			t.Errorf("%v does not tell %s, but:\n%s", args, w, told)
		}
	}
	if strings.Contains(told, "goroutine ") || strings.Count(told, "\n") > len(want)+1 {
		t.Errorf("%v tells more than its mistakes:\n%s", args, told)
	}
}
