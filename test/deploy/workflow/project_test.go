package workflow_test

import (
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/token-rate-limiter/token-rate-limiter/test/deploy/deploytest"
)

// tracked returns the files of the repository that git knows or would take.
func tracked(t *testing.T, patterns ...string) []string {
	t.Helper()
	cmd := exec.Command("git", append([]string{"ls-files", "--cached", "--others", "--exclude-standard", "--"}, patterns...)...)
	cmd.Dir = deploytest.Root
	return strings.Fields(deploytest.Output(t, cmd))
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(deploytest.Path(t, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestDependabot wants every module and lock file to be looked after.
func TestDependabot(t *testing.T) {
	var config struct {
		Updates []struct {
			Ecosystem   string `yaml:"package-ecosystem"`
			Directories []string
		}
	}
	if err := yaml.Unmarshal([]byte(read(t, ".github/dependabot.yml")), &config); err != nil {
		t.Fatal(err)
	}
	for pattern, ecosystem := range map[string]string{"*go.mod": "gomod", "*package-lock.json": "npm", "*requirements.txt": "pip", "*Dockerfile": "docker"} {
		files := tracked(t, pattern)
		if len(files) == 0 {
			t.Errorf("there is no %s", pattern)
		}
		for _, file := range files {
			folder := "/" + strings.TrimPrefix(path.Dir(file), ".")
			fits := func(glob string) bool { ok, err := path.Match(glob, folder); return ok && err == nil }
			if !slices.ContainsFunc(config.Updates, func(u struct {
				Ecosystem   string `yaml:"package-ecosystem"`
				Directories []string
			}) bool {
				return u.Ecosystem == ecosystem && slices.ContainsFunc(u.Directories, fits)
			}) {
				t.Errorf("nobody looks after %s of %s", ecosystem, folder)
			}
		}
	}
}

// TestTemplates wants the templates to be what GitHub takes for such.
func TestTemplates(t *testing.T) {
	for _, name := range []string{"bug_report", "feature_request", "question"} {
		parts := strings.SplitN(read(t, ".github/ISSUE_TEMPLATE/"+name+".md"), "---\n", 3)
		if len(parts) != 3 || parts[0] != "" {
			t.Errorf("%s.md has no head", name)
			continue
		}
		var head struct {
			Name, About, Title, Labels, Assignees string
		}
		if err := yaml.Unmarshal([]byte(parts[1]), &head); err != nil || head.Name == "" || head.About == "" {
			t.Errorf("%s.md: %v %+v", name, err, head)
		}
	}
	var config struct {
		Blank bool                                `yaml:"blank_issues_enabled"`
		Links []struct{ Name, URL, About string } `yaml:"contact_links"`
	}
	if err := yaml.Unmarshal([]byte(read(t, ".github/ISSUE_TEMPLATE/config.yml")), &config); err != nil || config.Blank || len(config.Links) == 0 {
		t.Errorf("config.yml: %v %+v", err, config)
	}
	for _, l := range config.Links {
		if l.Name == "" || l.About == "" || !strings.HasPrefix(l.URL, "https://github.com/token-rate-limiter/token-rate-limiter/") {
			t.Errorf("config.yml: %+v", l)
		}
	}
}

var fileOfProject = regexp.MustCompile("`((?:make [a-z-]+)|(?:[\\w.-]+/)*[\\w.-]+\\.(?:md|sh|yml))`|\\]\\((?:\\.\\./)+([^)#]+)[^)]*\\)")

// TestTemplatesName wants the files and targets that templates name.
func TestTemplatesName(t *testing.T) {
	makefile, named := read(t, "Makefile"), 0
	for _, file := range tracked(t, ".github/*.md") {
		for _, m := range fileOfProject.FindAllStringSubmatch(read(t, file), -1) {
			named++
			name := m[1] + m[2]
			if goal, ok := strings.CutPrefix(name, "make "); ok {
				if !strings.Contains(makefile, "\n"+goal+":") {
					t.Errorf("%s names %s, which does not exist", file, name)
				}
			} else if _, err := os.Stat(deploytest.Path(t, name)); err != nil {
				t.Errorf("%s names %s, which does not exist", file, name)
			}
		}
	}
	if named < 5 {
		t.Errorf("%d are named only", named)
	}
}

// TestCodeOwners wants every path to be one of the repository, and owners on each line.
func TestCodeOwners(t *testing.T) {
	lines := 0
	for line := range strings.Lines(read(t, ".github/CODEOWNERS")) {
		words := strings.Fields(line)
		if len(words) == 0 || words[0] == "#" {
			continue
		}
		lines++
		if hits, err := filepath.Glob(deploytest.Path(t, ".") + strings.TrimSuffix("/"+strings.TrimPrefix(words[0], "/"), "/")); err != nil || len(hits) == 0 {
			t.Errorf("there is no %s", words[0])
		}
		if len(words) < 2 || slices.ContainsFunc(words[1:], func(owner string) bool { return !strings.HasPrefix(owner, "@token-rate-limiter/") }) {
			t.Errorf("%s is owned by %v", words[0], words[1:])
		}
	}
	if lines < 5 {
		t.Errorf("there are %d lines only", lines)
	}
}

// TestAttributes wants git to leave alone what is what it is to the byte.
func TestAttributes(t *testing.T) {
	for file, want := range map[string]string{
		"internal/mockvllm/testdata/chat_stream_framing.golden": "text: unset",
		"testdata/azure-llm-2023-conv.csv":                      "text: unset",
		"docs/api/openapi.yaml":                                 "linguist-generated: set",
		"scripts/publish.sh":                                    "eol: lf",
		"README.md":                                             "text: auto",
	} {
		attribute, _, _ := strings.Cut(want, ":")
		cmd := exec.Command("git", "check-attr", attribute, "--", file)
		cmd.Dir = deploytest.Root
		if out := deploytest.Output(t, cmd); !strings.HasSuffix(strings.TrimSpace(out), want) {
			t.Errorf("%s, want %s", strings.TrimSpace(out), want)
		}
	}
}
