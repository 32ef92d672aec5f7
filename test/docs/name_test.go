package docs_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/token-rate-limiter/token-rate-limiter/internal/admin/registrar"
	"github.com/token-rate-limiter/token-rate-limiter/internal/failure"
)

var (
	testName = regexp.MustCompile(`^((?:Test|Fuzz|Benchmark)[A-Z]\w*)(/\S+)?(\.\.\.)?$`)
	fileName = regexp.MustCompile(`^(?:\./)?((?:api|charts|cmd|configs|docker|docs|internal|k8s|monitoring|performance|scripts|test|testdata|tools)/[\w./*-]+)$`)
)

// testNames returns the names of all tests, fuzz targets and benchmarks.
func testNames(t testing.TB) []string {
	return found(`(?m)^func ((?:Test|Fuzz|Benchmark)\w+)\(`, sources(t, true, "cmd", "internal", "test", "performance"))
}

// TestNamedTestsExist also knows names that are cut off by three dots.
func TestNamedTestsExist(t *testing.T) {
	names, named := testNames(t), 0
	for _, d := range documents(t) {
		for _, span := range d.spans() {
			m := testName.FindStringSubmatch(span)
			if m == nil {
				continue
			}
			named++
			is := func(name string) bool { return name == m[1] || m[3] != "" && strings.HasPrefix(name, m[1]) }
			if !slices.ContainsFunc(names, is) {
				t.Errorf("%s names %s, which does not exist", d.path, span)
			}
		}
	}
	if named < 100 {
		t.Errorf("%d tests are named only", named)
	}
}

// TestNamedFilesExist is about paths from the root of the repository.
func TestNamedFilesExist(t *testing.T) {
	named := 0
	for _, d := range documents(t) {
		if strings.HasPrefix(d.path, "internal/") {
			continue // beside the files that they are about
		}
		for _, span := range d.spans() {
			m := fileName.FindStringSubmatch(strings.TrimSuffix(span, "/..."))
			if m == nil {
				continue
			}
			named++
			if hits, err := filepath.Glob(filepath.Join(root, m[1])); err != nil || len(hits) == 0 && !made[m[1]] && !slices.Contains(strings.Fields(gone), m[1]) {
				t.Errorf("%s names %s, which does not exist", d.path, span)
			}
		}
	}
	if named < 60 {
		t.Errorf("%d files are named only", named)
	}
}

// made are files that commands leave, and that users make.
var made = map[string]bool{
	"performance/results/": true, "performance/results": true, "testdata/fuzz": true,
	"docker/secrets/redis-password.txt": true, "docker/secrets/database-password.txt": true, "docker/secrets/grafana-admin-password.txt": true, "docker/secrets/huggingface-token.txt": true,
	"docker/secrets/tls.pem":             true,
	"k8s/vllm/new-model-deployment.yaml": true,
}

// gone are files of the Java system's that are here under another name, or not at all: docs/migration.md.
const gone = `docker/Dockerfile.gradle docker/docker-compose-gradle.yml
docs/architecture/database-schema.md`

var goTest = regexp.MustCompile("go test [^`\n]*")

// TestNamedCommandsOfTestsFindThem looks at every `go test` in the documents: its
// packages exist, and each alternative of what it is to run is the beginning of a
// name there.
func TestNamedCommandsOfTestsFindThem(t *testing.T) {
	commands := 0
	for _, d := range documents(t) {
		text := regexp.MustCompile("`([^`]*\n[^`]*)`").ReplaceAllStringFunc(d.text, func(s string) string {
			return strings.ReplaceAll(s, "\n", " ") // commands that are broken over lines
		})
		for _, f := range d.fences {
			text += "\n" + f.String()
		}
		for _, command := range goTest.FindAllString(text, -1) {
			commands++
			checkGoTest(t, d.path, command)
		}
	}
	if commands < 20 {
		t.Errorf("there are %d commands only", commands)
	}
}

func checkGoTest(t *testing.T, where, command string) {
	t.Helper()
	words := strings.Fields(strings.NewReplacer("'", "", `\|`, "|").Replace(command)) // a table escapes bars
	var names []string
	for _, word := range words {
		folder, below := strings.CutSuffix(word, "/...")
		if !strings.HasPrefix(folder, "./") || folder == "./" {
			continue
		}
		folder = strings.TrimSuffix(folder, "/")
		if _, err := os.Stat(filepath.Join(root, folder)); err != nil {
			t.Errorf("%s: %s: there is no %s", where, command, folder)
			return
		}
		for path, text := range sources(t, true, folder) {
			if below || filepath.Dir(path) == filepath.Join(root, folder) {
				names = append(names, found(`(?m)^func ((?:Test|Fuzz|Benchmark)\w+)\(`, map[string]string{path: text})...)
			}
		}
	}
	for i, word := range words {
		if !slices.Contains([]string{"-run", "-bench", "-fuzz"}, word) || i+1 == len(words) || words[i+1] == "^$" || len(names) == 0 {
			continue
		}
		for alternative := range strings.SplitSeq(words[i+1], "|") {
			pattern, _, _ := strings.Cut(alternative, "/")
			expression := regexp.MustCompile(pattern)
			if !slices.ContainsFunc(names, expression.MatchString) {
				t.Errorf("%s: %s: nothing is called %s", where, command, pattern)
			}
		}
	}
}

// TestNamedTargetsExist is about targets of make and commands of the program in
// the middle of texts.
func TestNamedTargetsExist(t *testing.T) {
	b, err := os.ReadFile(filepath.Join(root, "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	targets := found(`(?m)^([a-z0-9-]+):`, map[string]string{"": string(b)})
	commands := found("(?m)^\\| `([a-z-]+)[^`]*` \\|", map[string]string{"": readDocument(t, "README.md").text})
	span := regexp.MustCompile(`^(?:[A-Z_]+=\S+ )*(?:(make)|(?:bin/)?token-rate-limiter) ([a-z0-9-]+)`)
	for _, d := range documents(t) {
		for _, s := range d.spans() {
			m := span.FindStringSubmatch(s)
			if m == nil || strings.HasPrefix(m[2], "-") {
				continue
			}
			known := commands
			if m[1] != "" {
				known = targets
			}
			if !slices.Contains(known, m[2]) {
				t.Errorf("%s: %s: there is no %s", d.path, s, m[2])
			}
		}
	}
}

// TestNamedMetricsExist: that every metric is described is for test/operations.
func TestNamedMetricsExist(t *testing.T) {
	code := sources(t, false, "cmd", "internal")
	for path := range code {
		if strings.Contains(path, "mockvllm") {
			delete(code, path) // vLLM's
		}
	}
	metrics := found(`(?:f\.(?:counters|gauges|histograms)\(|Name:\s*|NewDesc\(|Register(?:Counter|Gauge)\([\w.]+, )"([a-z]+(?:_[a-z]+)+)"`, code)
	if len(metrics) < 20 {
		t.Fatalf("the code has %d metrics only", len(metrics))
	}
	shape := regexp.MustCompile(`\b([a-z]+(?:_[a-z]+)+_(?:total|seconds|ratio|degraded|healthy|bytes))\b`)
	for _, d := range documents(t) {
		for _, m := range shape.FindAllStringSubmatch(strings.Join(d.spans(), "\n"), -1) {
			if name := m[1]; !slices.Contains(metrics, name) && !strings.HasPrefix(name, "go_") && !strings.HasPrefix(name, "process_") {
				t.Errorf("%s names the metric %s, which does not exist", d.path, name)
			}
		}
	}
}

// TestErrorsAreDescribed compares the codes of the code with those that the
// documents and the description of the interface have.
func TestErrorsAreDescribed(t *testing.T) {
	// No client is told of these: it has left, or gets the model server's own words.
	untold := []failure.Kind{failure.KindClientLeft, failure.KindCutOff, failure.KindModelServer}
	var codes []string
	for _, k := range failure.Kinds() {
		if !slices.Contains(untold, k) {
			codes = append(codes, k.String())
		}
	}
	slices.Sort(codes)
	for _, path := range []string{"docs/troubleshooting.md", "docs/troubleshooting.ko.md"} {
		described := found("(?m)^\\| [45]\\d\\d \\| `([a-z_]+)` \\|", map[string]string{"": readDocument(t, path).text})
		if diff := cmp.Diff(codes, described); diff != "" {
			t.Errorf("%s (-the code +the document):\n%s", path, diff)
		}
	}
	b, err := os.ReadFile(filepath.Join(root, "api/openapi.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	_, enum, _ := strings.Cut(string(b), "    Code:\n")
	enum, _, _ = strings.Cut(enum, "]")
	listed := found(`\b([a-z]+(?:_[a-z]+)+)\b`, map[string]string{"": enum})
	if diff := cmp.Diff(codes, listed); diff != "" {
		t.Errorf("api/openapi.yaml (-the code +the document):\n%s", diff)
	}
}

// TestProblemsAreDescribed compares the codes of the control plane's problems with those that the
// documents and the description of the interface have.
func TestProblemsAreDescribed(t *testing.T) {
	codes := registrar.Codes()
	for _, path := range []string{"docs/troubleshooting.md", "docs/troubleshooting.ko.md"} {
		described := found("(?m)^\\| `([a-z_]+)` \\| [45]\\d\\d \\|", map[string]string{"": readDocument(t, path).text})
		if diff := cmp.Diff(codes, described); diff != "" {
			t.Errorf("%s (-the code +the document):\n%s", path, diff)
		}
	}
	b, err := os.ReadFile(filepath.Join(root, "api/openapi.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	_, enum, _ := strings.Cut(string(b), "    ProblemCode:\n")
	enum, _, _ = strings.Cut(enum, "]")
	if diff := cmp.Diff(codes, found(`\b([a-z]+(?:_[a-z]+)+)\b`, map[string]string{"": enum})); diff != "" {
		t.Errorf("api/openapi.yaml (-the code +the document):\n%s", diff)
	}
}

// brokenText is where the code breaks a text that is too long for a line.
var brokenText = regexp.MustCompile(`" ?\+\n\s*"`)

// TestWarningsAreDescribed compares what the gateway logs as a warning or an error
// with the beginnings that the documents have.
func TestWarningsAreDescribed(t *testing.T) {
	code := sources(t, false, "cmd", "internal")
	for name, text := range code {
		code[name] = brokenText.ReplaceAllString(text, "")
	}
	messages := found(`(?i)log\.(?:Warn|Error)\("([^"]+)"`, code)
	if len(messages) < 10 {
		t.Fatalf("the code has %d warnings only", len(messages))
	}
	for _, path := range []string{"docs/troubleshooting.md", "docs/troubleshooting.ko.md"} {
		described := found("(?m)^\\| `([^`]+)` \\| (?:WARN|ERROR) \\|", map[string]string{"": readDocument(t, path).text})
		for _, m := range messages {
			if !slices.ContainsFunc(described, func(begin string) bool { return strings.HasPrefix(m, begin) }) {
				t.Errorf("%s does not describe the log line %q", path, m)
			}
		}
		for _, begin := range described {
			if begin != "request" && !slices.ContainsFunc(messages, func(m string) bool { return strings.HasPrefix(m, begin) }) {
				t.Errorf("%s describes the log line %q, which is not written", path, begin)
			}
		}
	}
}

// TestWordsHaveOneRow: the vocabulary gives each word once.
func TestWordsHaveOneRow(t *testing.T) {
	seen := map[string]bool{}
	for line := range strings.Lines(readDocument(t, "CONTEXT.md").text) {
		row, is := strings.CutPrefix(line, "| ")
		words, _, _ := strings.Cut(row, " |")
		if !is || words == "word" {
			continue
		}
		for word := range strings.SplitSeq(words, ", ") {
			if seen[word] {
				t.Errorf("CONTEXT.md has %q twice", word)
			}
			seen[word] = true
		}
	}
	if len(seen) < 80 {
		t.Errorf("CONTEXT.md has %d words only", len(seen))
	}
}
