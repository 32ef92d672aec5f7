package docs_test

import (
	"strings"
	"testing"
)

// TestRowsAreThereOnce: no table of a document has a row twice, by its first two cells or by a long first
// one. Two versions of a row stay behind where changes are merged, and one of them is no longer so.
func TestRowsAreThereOnce(t *testing.T) {
	const long = 12 // characters; shorter ones are statuses, methods and the like
	again := map[string]bool{"`k8s/redis/`, `k8s/token-rate-limiter/`, `k8s/monitoring/`, `k8s/vllm/`": true}
	tables := 0
	for _, d := range documents(t) {
		var seen map[string]bool
		for line := range strings.SplitSeq(d.text, "\n") {
			if !strings.HasPrefix(line, "|") {
				seen = nil
				continue
			}
			if seen == nil {
				seen = map[string]bool{}
				tables++
			}
			if strings.HasPrefix(line, "|-") {
				continue
			}
			cells := strings.SplitN(strings.Trim(line, "| "), " | ", 3)
			keys := []string{strings.Join(cells[:min(2, len(cells))], " | ")}
			if len(cells) > 1 && len(cells[0]) > long {
				keys = append(keys, cells[0])
			}
			for _, k := range keys {
				if seen[k] && !again[k] {
					t.Errorf("%s: a table has another row %s", d.path, k)
				}
				seen[k] = true
			}
		}
	}
	if tables < 50 {
		t.Errorf("only %d tables were found: the test sees nothing", tables)
	}
}
