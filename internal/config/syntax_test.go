package config

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/binding"
	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
)

func TestWhatYAMLAllows(t *testing.T) {
	c := load(t, "\ufeff# a comment\r\n%YAML 1.2\r\n---\r\n"+`
token:
  rate-limit:
    models:
      "quoted.name": &limits
        max-tokens-per-minute: 5   # a comment
        max-tokens-per-hour: "6"
      meta-llama/Llama-2-7b:
        <<: *limits
        max-tokens-per-hour: 7
      405: *limits
      true: {<<: [{max-tokens-per-day: 1}, *limits]}
vllm:
  services:
    quoted.name: 'http://a'
    "meta-llama/Llama-2-7b": |-
      http://b
    405: http://c
    true: http://d
...
`, nil)
	for name, want := range map[string][]limit.Limit{
		"quoted.name":           {{Window: limit.Minute, Max: 5}, {Window: limit.Hour, Max: 6}},
		"meta-llama/Llama-2-7b": {{Window: limit.Minute, Max: 5}, {Window: limit.Hour, Max: 7}},
		"405":                   {{Window: limit.Minute, Max: 5}, {Window: limit.Hour, Max: 6}},
		"true":                  {{Window: limit.Minute, Max: 5}, {Window: limit.Hour, Max: 6}, {Window: limit.Day, Max: 1}},
	} {
		if got := c.RateLimit.Models[name].User.Windows; fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
}

// TestSyntaxRemedies: what the binder's messages about whole files say of this product.
func TestSyntaxRemedies(t *testing.T) {
	for text, want := range map[string]string{
		"- a":                         ":1:1: the file is a list where settings are expected; write keys such as server: and vllm:",
		"server: {}\n---\nserver: {}": ":3:7: a second document begins here; keep one document in a file; profiles have files of their own",
		strings.Repeat("a:\n"+strings.Repeat("  b: c\n", 9000)+"d:\n", 6): ": the maps of the file have too many keys together; serve fewer models in one gateway",
	} {
		wantErrors(t, mistakesOf(text), "conf/application.yml"+want)
	}
}

func TestManyModels(t *testing.T) {
	services := func(n int) string {
		var b strings.Builder
		b.WriteString("vllm:\n  services:\n")
		for i := range n {
			fmt.Fprintf(&b, "    model-%d: http://host-%d:8000\n", i, i)
		}
		return b.String()
	}
	if n := len(load(t, services(3000), nil).RateLimit.Models); n != 3000 {
		t.Errorf("%d models, want 3000", n)
	}
	_, err := folder{"application.yml": services(binding.MapKeysMax + 1)}.load("", nil)
	wantErrors(t, err, "conf/application.yml: a map of the file has more than 10000 keys; serve fewer models in one gateway")
}

// TestManyKeys: the bytes of a file bound how many API keys it has. 50,000 take three
// seconds of a processor, and the race detector five times that.
func TestManyKeys(t *testing.T) {
	const keys = 10_000
	var b strings.Builder
	b.WriteString("auth:\n  api-keys:\n")
	for i := range keys {
		fmt.Fprintf(&b, "    - {name: key-%[1]d, user: user-%[1]d, hash: \"sha256:%064[1]x\", roles: [user]}\n", i)
	}
	begun := time.Now()
	c := load(t, b.String(), nil)
	t.Logf("%d bytes in %v", b.Len(), time.Since(begun))
	if n := len(c.Auth.APIKeys); n != keys || c.Auth.APIKeys[n-1].User != fmt.Sprint("user-", n-1) {
		t.Errorf("%d keys are read", n)
	}
}
