package docs_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/token-rate-limiter/token-rate-limiter/internal/config"
)

// TestShownConfigurationsLoad loads every configuration that a document shows, over
// a small one with what it may leave out.
func TestShownConfigurationsLoad(t *testing.T) {
	const small = "vllm: {services: {llama2-7b: http://h}}\nredis: {host: h}\n"
	loaded := 0
	for _, d := range documents(t) {
		for _, f := range d.fences {
			if f.language != "yaml" {
				continue
			}
			loaded++
			small := small
			if strings.Contains(f.String(), "spring:") { // which says of Redis what redis: does
				small, _, _ = strings.Cut(small, "redis:")
			}
			_, err := config.Load(config.Options{
				Dir: ".", Profile: "shown",
				Files: fstest.MapFS{"application.yml": {Data: []byte(small)}, "application-shown.yml": {Data: []byte(f.String())}},
				Env: func(name string) (string, bool) {
					if name == "JWT_SECRET" {
						return jwtSecret, true
					}
					digit, ok := map[string]string{"ALICE_KEY_HASH": "0", "ADMIN_KEY_HASH": "1"}[name]
					if !ok {
						return "", false
					}
					return "sha256:" + strings.Repeat(digit, 64), true
				},
			})
			if err != nil {
				t.Errorf("%s: %v\n%s", d.path, err, f)
			}
		}
	}
	if loaded < 6 {
		t.Errorf("%d configurations are shown only", loaded)
	}
}

var (
	settingRow = regexp.MustCompile("(?m)^\\| `([a-z][A-Za-z0-9.\\[\\]-]+)` \\|")
	dottedName = regexp.MustCompile(`^(server|management|redis|token|vllm|auth|logging|spring)(\.[A-Za-z0-9*-]+)+$`)
	hyphenated = regexp.MustCompile(`^([a-z]+(?:-[a-z]+)+)(: .*)?$`)
	noSettings = []string{"worst-case", "mock-vllm", "redis-server", "redis-cli", "go-cmp", "token-rate-limiter", "half-open", "input-estimate", "hash-users", "alice-laptop",
		"apt-get", "llama-tokenizer-js", "gpt-tokenizer", "retry-after-ms", "x-should-retry", "maxmemory-policy", "langchain-openai",
		"allkeys-lru", "model-serving", "new-model", "token-rate-limiter-hpa", "tenant-admin"}
	settingHead = []string{"-hour", "-day"}
)

// TestNamedSettingsExist compares the settings that documents name with the
// generated reference.
func TestNamedSettingsExist(t *testing.T) {
	var keys, last []string
	for _, m := range settingRow.FindAllStringSubmatch(readDocument(t, "docs/configuration.md").text, -1) {
		keys = append(keys, m[1])
		parts := strings.Split(m[1], ".")
		last = append(last, parts[len(parts)-1])
	}
	if len(keys) < 80 {
		t.Fatalf("the reference has %d settings only", len(keys))
	}
	named := 0
	for _, d := range documents(t) {
		if slices.Contains([]string{"docs/configuration.md", "docs/configuration.ko.md", "CHANGELOG.md",
			"charts/token-rate-limiter/README.md"}, d.path) {
			continue
		}
		for _, span := range d.spans() {
			name, _, _ := strings.Cut(span, ": ")
			switch {
			case dottedName.MatchString(name) && !strings.HasSuffix(name, ".go"):
				named++
				name = strings.TrimSuffix(name, ".*")
				is := func(key string) bool {
					return key == name || strings.HasPrefix(key, name+".") || strings.HasPrefix(key, name+"[")
				}
				if !slices.ContainsFunc(keys, is) {
					t.Errorf("%s names the setting %s, which does not exist", d.path, name)
				}
			case hyphenated.MatchString(span) && !slices.Contains(noSettings, name) && !strings.HasPrefix(name, "jmeter-"):
				named++
				if !slices.Contains(last, name) && !slices.Contains(settingHead, name) {
					t.Errorf("%s names %s, which is no setting", d.path, name)
				}
			}
		}
	}
	if named < 50 {
		t.Errorf("%d settings are named only", named)
	}
}
