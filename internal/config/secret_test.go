package config

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/internal/binding"
)

// secretFile returns the path of a new file that says text.
func secretFile(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// Variables may be given as files, as containers have their secrets.
func TestVariablesFromFiles(t *testing.T) {
	for text, want := range map[string]string{
		"s3cret": "s3cret", "s3cret\n": "s3cret", "s3cret\r\n": "s3cret", " s3cret ": " s3cret ", "": "", "${A}": "${A}",
	} {
		file := secretFile(t, text)
		for _, setting := range []string{"${PASSWORD}", "${PASSWORD:default}"} {
			c := load(t, "redis: {host: h, password: '"+setting+"'}", variables{"PASSWORD_FILE": file, "A": "no"})
			if c.Redis.Password != want || !slices.Equal(c.VariableFiles, []string{file}) {
				t.Errorf("%q: %s is %q, from %v", text, setting, c.Redis.Password, c.VariableFiles)
			}
		}
	}
	c := load(t, "redis: {host: h, password: '${PASSWORD:default}'}", variables{"PASSWORD_FILE": ""})
	if c.Redis.Password != "default" || c.VariableFiles != nil {
		t.Errorf("an empty variable names a file: %q, %v", c.Redis.Password, c.VariableFiles)
	}
}

// What a file of a variable says counts for whether there is something to read again.
func TestFilesOfVariablesAreSummed(t *testing.T) {
	file := secretFile(t, "one")
	c := load(t, "redis: {host: h, password: '${PASSWORD}'}", variables{"PASSWORD_FILE": file})
	before := c.SumNamed()
	if err := os.WriteFile(file, []byte("two"), 0o600); err != nil {
		t.Fatal(err)
	}
	if c.SumNamed() == before {
		t.Error("the sum is as it was")
	}
}

func TestMistakesOfVariablesFromFiles(t *testing.T) {
	dir := t.TempDir()
	for file, want := range map[string]string{
		dir:                   " cannot be read: it is no regular file; let it be read by the user that the gateway runs as, or unset the variable",
		dir + "/none":         " cannot be read: no such file or directory; let it be read by the user that the gateway runs as, or unset the variable",
		secretFile(t, "\xff"): " is not UTF-8; write text into it",
		secretFile(t, strings.Repeat("x", 64<<10+1)): " has more than 65536 bytes; name the file of one value",
	} {
		named := "the file " + binding.Quote(file) + " (of the environment variable PASSWORD_FILE)"
		err := mistakesIn("redis: {host: h, password: '${PASSWORD:}'}", variables{"PASSWORD_FILE": file})
		wantErrors(t, err, "conf/application.yml:1:28: redis.password: "+named+want)
	}
	err := mistakesIn("redis: {host: h, password: '${PASSWORD}'}", variables{"PASSWORD_FILE": secretFile(t, "a"), "PASSWORD": "b"})
	wantErrors(t, err, "conf/application.yml:1:28: redis.password: the environment variables PASSWORD and PASSWORD_FILE are both set; unset one of them")
}
