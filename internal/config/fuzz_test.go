package config

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/token-rate-limiter/token-rate-limiter/internal/binding"
)

// FuzzLoad feeds any bytes as both files. Load must not panic; what it
// accepts must print and load again, and what it refuses must have a place.
func FuzzLoad(f *testing.F) {
	for _, name := range []string{"sample.yml", "vocabulary.yml"} {
		f.Add([]byte(read(f, name)), []byte("server: {port: 1}"))
	}
	for _, x := range mistakes {
		f.Add([]byte(x.text), []byte(""))
	}
	for _, x := range refused {
		f.Add([]byte(x.text), []byte("a: &a [*a]\nb:\n  - - ? |\n"))
	}
	f.Add([]byte("spring: {data: {redis: {host: '${A:b}', ssl: {enabled: true}}}}"), []byte("spring: null\nredis: ~"))
	f.Fuzz(func(t *testing.T, base, over []byte) {
		c, err := folder{"application.yml": string(base), "application-x.yml": string(over)}.load("x", nil)
		if err != nil {
			wantPlaces(t, err)
			return
		}
		if c == nil {
			t.Fatal("neither a Config nor an error")
		}
		reload(t, c)
	})
}

func wantPlaces(t *testing.T, err error) {
	t.Helper()
	var list binding.Errors
	if !errors.As(err, &list) || len(list) == 0 {
		t.Fatalf("%T is not Errors", err)
	}
	for _, e := range list {
		if e.File == "" || e.Problem == "" || e.Line > 0 && e.Column < 1 {
			t.Errorf("a mistake without place or problem: %+v", *e)
		}
	}
}

// reload prints and loads a configuration; secrets become a fixed one.
func reload(t *testing.T, c *Config) {
	t.Helper()
	c.Profile = ""
	if c.Redis != nil && c.Redis.Password != "" {
		c.Redis.Password = "p"
	}
	for name, s := range c.Services {
		if s.APIKey != "" {
			s.APIKey = "k"
			c.Services[name] = s
		}
	}
	if len(c.Auth.APIKeys) > 1 {
		return // masked hashes would be the same
	}
	for i := range c.Auth.APIKeys {
		c.Auth.APIKeys[i].Hash = goodHash
	}
	text := unmask(c.Masked(), map[string]string{"password": "p", "api-key": "k", "hash": goodHash})
	got, err := folder{"application.yml": text}.load("", nil)
	if err != nil {
		t.Fatalf("%v\nof\n%s", err, text)
	}
	if diff := cmp.Diff(c, got, byValue); diff != "" {
		t.Fatalf("(-want +got):\n%s\nby\n%s", diff, text)
	}
}
