package script_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var comment = regexp.MustCompile(`(^|\s+)#\s.*$`)

// shellCommands returns the commands for a shell of a document, without comments.
func shellCommands(text string) []string {
	var all []string
	inside := false
	for line := range strings.Lines(strings.ReplaceAll(text, "\\\n", " ")) {
		switch line = strings.TrimSpace(line); {
		case strings.HasPrefix(line, "```"):
			inside = line == "```sh"
		case inside:
			if line = comment.ReplaceAllString(line, ""); line != "" {
				all = append(all, line)
			}
		}
	}
	return all
}

// copyName is a copy that documents speak of.
var copyName = regexp.MustCompile(`backups/token-usage-\d{8}T\d{6}Z\.rdb`)

// TestScriptCommandsOfDocuments runs what documents say of scripts/backup-redis.sh and scripts/setup-dev-env.sh, in
// their order, in a copy of the repository and on a Redis that no gateway uses. The Korean versions have the same commands.
func TestScriptCommandsOfDocuments(t *testing.T) {
	redis := startRedis(t)
	redis.ask(t, "hset", "token:usage:{m}:alice", "a", "1")
	c := newCheckout(t)
	for _, file := range []string{"redis.password", "docker/secrets/redis-password.txt"} {
		c.write(file, password+"\n")
	}
	t.Setenv("REDIS_HOST", "127.0.0.1")
	t.Setenv("REDIS_PORT", redis.port)
	t.Setenv("REDIS_PASSWORD", password)
	ran := 0
	err := filepath.WalkDir(filepath.Join(root, "docs"), func(path string, _ fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".md" || strings.HasSuffix(path, ".ko.md") {
			return err
		}
		b, err := os.ReadFile(path)
		for _, line := range shellCommands(string(b)) {
			if !strings.HasPrefix(line, "scripts/backup-redis.sh") && !strings.HasPrefix(line, "scripts/setup-dev-env.sh") {
				continue
			}
			ran++
			line = copyName.ReplaceAllString(line, `"$$(ls backups/*.rdb | tail -n 1)"`)
			c.must("sh", "-c", line)
		}
		return err
	})
	if err != nil || ran < 5 {
		t.Errorf("%d commands were run only (%v)", ran, err)
	}
}
