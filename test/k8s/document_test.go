package k8s

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// ours are the beginnings of the commands that are run here.
var ours = regexp.MustCompile(`^(kubectl|helm|sed|scripts/deploy-k8s\.sh)\b`)

// needMachine are commands that end on a machine, of which there is none: they must come
// as far as to its door, which shows that they name pods and ports that are there.
var needMachine = regexp.MustCompile(`\b(port-forward|logs|exec)\b`)

// TestClusterCommandsOfDocuments runs what documents say of kubectl, helm and
// scripts/deploy-k8s.sh, in their order, each document on a cluster and in a copy of the
// repository of its own. The Korean versions have the same commands.
func TestClusterCommandsOfDocuments(t *testing.T) {
	ran := 0
	for _, folder := range []string{"docs", "charts"} {
		err := filepath.WalkDir(filepath.Join(root, folder), func(path string, _ fs.DirEntry, err error) error {
			if err != nil || filepath.Ext(path) != ".md" || strings.HasSuffix(path, ".ko.md") {
				return err
			}
			b, err := os.ReadFile(path)
			if d := read(string(b)); err == nil && len(d.commands) > 0 {
				ran += len(d.commands)
				t.Run(strings.TrimPrefix(path, root+"/"), d.run)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	}
	if ran < 20 {
		t.Errorf("the documents have %d commands for a cluster only", ran)
	}
}

// document is what a document has for a cluster.
type document struct {
	commands []string
	files    map[string]string // those that it shows, by the names in their first lines
}

var (
	comment  = regexp.MustCompile(`(^|\s+)#\s.*$`)
	fileName = regexp.MustCompile(`^# (\S+\.ya?ml)$`)
)

// read reads the fenced blocks of a text.
func read(text string) document {
	d := document{files: map[string]string{}}
	fence, file := "", ""
	for line := range strings.Lines(strings.ReplaceAll(text, "\\\n", " ")) {
		line = strings.TrimRight(line, "\n")
		name := fileName.FindStringSubmatch(line)
		switch {
		case strings.HasPrefix(line, "```"):
			fence, file = strings.TrimPrefix(line, "```"), ""
		case strings.HasPrefix(fence, "y") && name != nil && file == "":
			file = name[1]
		case file != "":
			d.files[file] += line + "\n"
		case fence == "sh":
			if line = comment.ReplaceAllString(line, ""); ours.MatchString(line) {
				d.commands = append(d.commands, line)
			}
		}
	}
	return d
}

// run runs the commands.
func (d document) run(t *testing.T) {
	c := newCluster(t)
	c.installDefinitions() // of an operator that one of the commands asks for
	c.work = t.TempDir()
	for _, folder := range []string{"charts", "k8s", "scripts"} {
		if out, err := exec.Command("cp", "-a", filepath.Join(root, folder), c.work).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	d.files["my-values.yaml"] = "" // whoever needs none
	for name, text := range d.files {
		path := filepath.Join(c.work, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, command := range d.commands {
		if needMachine.MatchString(command) {
			first, _, _ := strings.Cut(command, "|")
			if r := c.try("bash", "-c", first); !strings.Contains(r.stderr, ":10250") {
				t.Errorf("%s does not come as far as to a node: %v\n%s%s", command, r.err, r.stdout, r.stderr)
			}
			continue
		}
		c.run("bash", "-c", "set -o pipefail; "+command)
	}
}

func TestRead(t *testing.T) {
	d := read("```yml\n# a/b.yaml\nx: 1\n# y.yml\n```\n\n```sh\nkubectl get \\\n  pods # all\ncurl a\nhelm x\n```\n```yaml\n# c\n```\n")
	if len(d.commands) != 2 || d.commands[0] != "kubectl get    pods" || d.commands[1] != "helm x" {
		t.Errorf("the commands are %q", d.commands)
	}
	if len(d.files) != 1 || d.files["a/b.yaml"] != "x: 1\n# y.yml\n" {
		t.Errorf("the files are %q", d.files)
	}
}
