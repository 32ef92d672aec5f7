package config

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/token-rate-limiter/token-rate-limiter/internal/binding"
)

const comparedFile = `
redis: {host: r, password: swordfish}
token:
  rate-limit:
    models:
      a: {max-tokens-per-minute: 1}
      b: {max-tokens-per-minute: 1, overrun: stop}
vllm: {services: {a: http://a:1, b: {endpoints: ["http://b:1"], api-key: sesame}, c: http://c:1}}
auth:
  api-keys:
    - {name: k, user: u, hash: "sha256:HASH0"}
    - {name: l, user: u, hash: "sha256:HASH1"}
`

func loadText(t *testing.T, text string) *Config {
	t.Helper()
	for _, digit := range []string{"0", "1", "2"} {
		text = strings.ReplaceAll(text, "HASH"+digit, strings.Repeat(digit, 64))
	}
	c, err := Load(Options{Files: fstest.MapFS{baseFile: {Data: []byte(text)}}, Env: func(string) (string, bool) { return "", false }})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestCompare(t *testing.T) {
	for name, test := range map[string]struct {
		replace []string
		want    Changes
	}{
		"nothing":            {},
		"only the way it is": {[]string{"{max-tokens-per-minute: 1}", "{ max-tokens-per-minute:   1, }"}, Changes{}},
		"a limit":            {[]string{"a: {max-tokens-per-minute: 1}", "a: {max-tokens-per-minute: 2}"}, Changes{Models: Names{Changed: []string{"a"}}}},
		"a secret of a model": {[]string{"sesame", "opens"},
			Changes{Models: Names{Changed: []string{"b"}}}},
		"a model renamed": {[]string{"c: http", "d.1: http"},
			Changes{Models: Names{Added: []string{"d.1"}, Removed: []string{"c"}}}},
		"what models inherit": {[]string{"    models:", "    overrun: stop\n    models:"},
			Changes{Models: Names{Changed: []string{"a", "c"}}, Settings: []string{"token.rate-limit.overrun", "token.rate-limit.defaults.overrun"}}},
		"keys": {[]string{"name: k", "name: m", "HASH1", "HASH2"},
			Changes{Keys: Names{Added: []string{"m"}, Removed: []string{"k"}, Changed: []string{"l"}}}},
		"a level": {[]string{"auth:", "logging: {level: debug}\nauth:"}, Changes{Settings: []string{"logging.level"}}},
		"a password of the store": {[]string{"swordfish", "marlin", "http://a:1", "http://a:2"},
			Changes{Models: Names{Changed: []string{"a"}}, AtStart: []string{"redis.password"}}},
		"no store": {[]string{"redis: {host: r, password: swordfish}", "server: {port: 1}"},
			Changes{AtStart: []string{"server.address", "redis", "token.rate-limit.store"}}},
	} {
		t.Run(name, func(t *testing.T) {
			running := loadText(t, comparedFile)
			next := loadText(t, strings.NewReplacer(test.replace...).Replace(comparedFile))
			effective, got := Compare(running, next)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("changes (-want +got):\n%s", diff)
			}
			if _, rest := Compare(running, effective); len(rest.AtStart) > 0 {
				t.Errorf("%q would change while the gateway runs", rest.AtStart)
			}
			_, rest := Compare(effective, next)
			if rest.AtStart = nil; !reflect.DeepEqual(rest, Changes{}) {
				t.Errorf("%+v is not in effect", rest)
			}
		})
	}
}

// TestAtStartIsKept: whatever the reference marks keeps its value, and the rest
// takes the next one. Every setting is changed at once.
func TestAtStartIsKept(t *testing.T) {
	running, next := defaults(), defaults()
	running.Redis, next.Redis = defaultRedis(), defaultRedis()
	marked := 0
	for key, s := range leaves("", next.schema()) {
		if alter(t, key, s) && slices.ContainsFunc(atStart, key.Below) {
			marked++
		}
	}
	effective, changes := Compare(running, next)
	if len(changes.AtStart) != marked || marked == 0 {
		t.Errorf("%d of %d marked settings are seen to differ: %q", len(changes.AtStart), marked, changes.AtStart)
	}
	_, rest := Compare(running, effective)
	if len(rest.AtStart) > 0 {
		t.Errorf("keepAtStart lets %q change", rest.AtStart)
	}
	if diff := cmp.Diff(changes.Settings, rest.Settings); diff != "" {
		t.Errorf("keepAtStart keeps too much (-changed +in effect):\n%s", diff)
	}
}

// TestAtStartNamesKeys: what is marked exists.
func TestAtStartNamesKeys(t *testing.T) {
	c := defaults()
	c.Redis = defaultRedis()
	for _, p := range atStart {
		var o binding.Target = c.schema()
		for _, key := range strings.Split(string(p), ".") {
			if section, ok := o.(binding.Optional[Redis]); ok {
				o = section.Schema(*section.To)
			}
			fields, _ := o.(binding.Object)
			i := slices.IndexFunc(fields, func(f binding.Field) bool { return f.Key == key })
			if i < 0 {
				t.Fatalf("%s: there is no key %s", p, key)
			}
			o = fields[i].To
		}
	}
}

// leaves returns the single values of a schema by their keys.
func leaves(at binding.Path, t binding.Target) map[binding.Path]binding.Scalar {
	all := map[binding.Path]binding.Scalar{}
	switch t := t.(type) {
	case binding.Scalar:
		all[at] = t
	case binding.Optional[Redis]:
		return leaves(at, t.Schema(*t.To))
	case inherited:
		return leaves(at, t.Target)
	case binding.Object:
		for _, f := range t {
			for key, s := range leaves(at.Key(f.Key), f.To) {
				all[key] = s
			}
		}
	}
	return all
}

// alter gives a setting another value, if there is one.
func alter(t *testing.T, key binding.Path, s binding.Scalar) bool {
	t.Helper()
	before := s.Encode()
	for _, v := range []string{"7h", "77777", "7", "0.7", "true", "false", "host", "127.0.0.1:7777",
		"worst-case", "stop", "exact", "redis", "debug", "text", "net-http"} {
		if s.Parse(v) == nil && len(binding.Differing("", before, s.Encode())) > 0 {
			return true
		}
	}
	if strings.Contains(s.Want, " ") {
		t.Errorf("%s: this test knows no other value, but there are more: %s", key, s.Want)
	}
	return false
}

// TestSum: it follows what the files say, and nothing else.
func TestSum(t *testing.T) {
	files := fstest.MapFS{baseFile: {Data: []byte("a")}, profileFile("x"): {Data: []byte("b")}}
	o := Options{Files: files}
	seen := map[Sum]string{}
	step := func(what string) {
		t.Helper()
		sum := o.Sum()
		if other, ok := seen[sum]; ok {
			t.Errorf("%s: the sum is that of: %s", what, other)
		}
		if sum != o.Sum() {
			t.Errorf("%s: the sum changes by itself", what)
		}
		seen[sum] = what
	}
	step("at first")
	files["notes.txt"] = &fstest.MapFile{Data: []byte("c")}
	if _, ok := seen[o.Sum()]; !ok {
		t.Error("a file that is not read counts")
	}
	files[baseFile] = &fstest.MapFile{Data: []byte("c")}
	step("another content")
	files[baseFile] = &fstest.MapFile{Data: []byte("b")}
	files[profileFile("x")] = &fstest.MapFile{Data: []byte("a")}
	step("contents exchanged")
	delete(files, profileFile("x"))
	step("one is gone")
	delete(files, baseFile)
	step("both are gone")
	files[baseFile] = &fstest.MapFile{}
	step("an empty one")
}
