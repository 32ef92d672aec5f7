package config

import (
	"bytes"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/token-rate-limiter/token-rate-limiter/internal/binding"
)

// secrets are the lines whose value is masked.
var secrets = regexp.MustCompile(`(?m)^( *(?:- )?(password|api-key|hash|secret): )"\*\*\*"$`)

// unmask replaces every mask of a printed configuration.
func unmask(text string, with map[string]string) string {
	return secrets.ReplaceAllStringFunc(text, func(line string) string {
		m := secrets.FindStringSubmatch(line)
		return m[1] + binding.Quote(with[m[2]])
	})
}

func TestPrintedConfigurationLoadsAgain(t *testing.T) {
	with := map[string]string{"password": "hunter2", "api-key": "hunter3", "hash": goodHash, "secret": "hunter2-hunter2-hunter2-hunter2-hunter2"}
	for _, name := range []string{"sample.yml", "vocabulary.yml"} {
		want := load(t, strings.Replace(read(t, name), `password: ""`, "password: hunter2", 1), variables{"VLLM_API_KEY": "hunter3"})
		text := want.Masked()
		got := load(t, unmask(text, with), nil)
		if diff := cmp.Diff(want, got, byValue); diff != "" {
			t.Errorf("%s (-want +got):\n%s\nby\n%s", name, diff, text)
		}
		if again := got.Masked(); again != text {
			t.Errorf("%s prints differently the second time:\n%s", name, cmp.Diff(text, again))
		}
	}
}

func TestPrintedConfiguration(t *testing.T) {
	c := load(t, `
redis: {password: hunter2}
vllm: {services: {"a: b": {endpoints: [http://a], api-key: hunter3, forward-headers: [X-A, X-B]}}}
auth: {api-keys: [{name: laptop, user: "$${u}", hash: `+goodHash+`}]}
`, nil)
	text := c.Masked()
	for _, want := range []string{
		"redis:\n  host: localhost\n  port: 6379\n  database: 0\n  username: \"\"\n  password: \"***\"\n  timeout: 50ms\n",
		"    \"a: b\":\n      endpoints: [http://a]\n",
		"      api-key: \"***\"\n      connect-timeout: 2s\n",
		"      forward-headers: [X-A, X-B]\n",
		"  api-keys:\n    - name: laptop\n      user: \"$${u}\"\n      tenant: \"\"\n      hash: \"***\"\n      roles: [user]\n      act-as: false\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("not printed:\n%s\nbut:\n%s", want, text)
		}
	}
	for _, hidden := range []string{"hunter", goodHash, "context-length", "max-tokens"} {
		if strings.Contains(text, hidden) {
			t.Errorf("%s is printed:\n%s", hidden, text)
		}
	}
	var b bytes.Buffer
	if err := c.WriteYAML(&b); err != nil || b.String() != text {
		t.Errorf("WriteYAML: %v, and\n%s", err, cmp.Diff(text, b.String()))
	}
}

func TestPrintingIsSafeForConcurrentUse(t *testing.T) {
	c := load(t, read(t, "vocabulary.yml"), nil)
	want := c.Masked()
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			if c.Masked() != want {
				t.Error("two prints differ")
			}
		})
	}
	group.Wait()
}

// Any configuration that can be had prints so that it loads again.
func TestAnyNameAndTextSurvivesPrinting(t *testing.T) {
	word := rapid.StringOfN(rapid.OneOf(rapid.Rune(), rapid.RuneFrom([]rune("${}:#'\"\\-?*&!|>%@`[],<~ .0"))), 1, 20, 200).
		Filter(func(s string) bool { return modelName(s) == nil && !strings.Contains(s, "${") })
	rapid.Check(t, func(t *rapid.T) {
		want := defaults()
		name := word.Draw(t, "name")
		s := defaultService(name)
		s.Servers, s.ServedAs, s.CAFile = []ServerURL{"http://a"}, word.Draw(t, "served"), word.Draw(t, "file")
		s.IdleTimeout = time.Duration(rapid.Int64Range(1e6, 1e18).Draw(t, "idle"))
		want.Services[name] = s
		want.RateLimit.MaxDebt = rapid.Float64Range(0, 100).Draw(t, "debt")
		want.RateLimit.Defaults.MaxDebt = want.RateLimit.MaxDebt
		want.complete()
		text := want.Masked()
		got, err := folder{"application.yml": text}.load("", nil)
		if err != nil {
			t.Fatalf("%v\nof\n%s", err, text)
		}
		if diff := cmp.Diff(want, got, byValue); diff != "" {
			t.Fatalf("(-want +got):\n%s\nby\n%s", diff, text)
		}
	})
}
