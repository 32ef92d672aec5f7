package workflow_test

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/token-rate-limiter/token-rate-limiter/test/deploy/deploytest"
)

// workflow is what the tests look at in one.
type workflow struct {
	name        string
	text        string
	On          map[string]any
	Permissions map[string]string
	Jobs        map[string]job
}

type job struct {
	RunsOn      string `yaml:"runs-on"`
	Uses        string
	Timeout     int `yaml:"timeout-minutes"`
	Permissions map[string]string
	Strategy    struct{ Matrix map[string][]string }
	Steps       []step
}

type step struct {
	Uses, Run, Name string
	With            map[string]any
}

// workflows reads all of them.
func workflows(t *testing.T) []workflow {
	t.Helper()
	paths, err := filepath.Glob(deploytest.Path(t, ".github/workflows/*"))
	if err != nil || len(paths) != 4 {
		t.Fatalf("there are %d workflows, not 4 (%v)", len(paths), err)
	}
	var all []workflow
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		w := workflow{name: filepath.Base(path), text: string(text)}
		if err := yaml.Unmarshal(text, &w); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		all = append(all, w)
	}
	return all
}

// TestActionlint runs actionlint, with shellcheck for what is run, and wants it to find a planted mistake.
func TestActionlint(t *testing.T) {
	deploytest.Need(t, "shellcheck")
	program := filepath.Join(tool(t, "actionlint"), "actionlint")
	cmd := deploytest.Command(nil, program, "-no-color")
	cmd.Dir = deploytest.Root
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	for name, planted := range map[string]string{
		"unknown context": "on: push\njobs: {a: {runs-on: ubuntu-24.04, steps: [{run: 'echo ${{ github.no_such }}'}]}}\n",
		"injection":       "on: pull_request\njobs: {a: {runs-on: ubuntu-24.04, steps: [{run: 'echo ${{ github.event.pull_request.title }}'}]}}\n",
		"shell":           "on: push\njobs: {a: {runs-on: ubuntu-24.04, steps: [{run: 'cd $DIR && rm -rf *'}]}}\n",
	} {
		path := filepath.Join(t.TempDir(), "planted.yml")
		if err := os.WriteFile(path, []byte(planted), 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := deploytest.Command(nil, program, "-no-color", path).CombinedOutput(); err == nil {
			t.Errorf("a planted mistake (%s) is not found: %s", name, out)
		}
	}
}

// tool returns the folder of a program of tools/.
func tool(t *testing.T, name string) string {
	t.Helper()
	cmd := deploytest.Command(goEnvironment(), "scripts/build-tools.sh", name)
	cmd.Dir = deploytest.Root
	return strings.TrimSpace(deploytest.Output(t, cmd))
}

// goEnvironment is what the go command needs of the test's.
func goEnvironment() []string {
	return slices.DeleteFunc(os.Environ(), func(v string) bool { return !strings.HasPrefix(v, "GO") && !strings.HasPrefix(v, "XDG_CACHE") })
}

var pinned = regexp.MustCompile(`^\s*(?:- )?uses: ([\w./-]+)@([0-9a-f]{40}) # (v\d+\.\d+\.\d+)$`)

// TestPinned wants every action pinned by the hash of a commit, with its version beside it, and the same
// everywhere. Actions come from GitHub, but for those listed.
func TestPinned(t *testing.T) {
	others := []string{"sigstore/cosign-installer", "anchore/scan-action"}
	pins, used := map[string]string{}, map[string]bool{}
	for _, w := range workflows(t) {
		for line := range strings.Lines(w.text) {
			line = strings.TrimRight(line, "\n")
			if !strings.Contains(line, "uses:") || strings.HasSuffix(line, "uses: ./.github/workflows/ci.yml") {
				continue
			}
			m := pinned.FindStringSubmatch(line)
			if m == nil {
				t.Errorf("%s: %q is not pinned by a commit with its version", w.name, line)
				continue
			}
			if pin := m[2] + " " + m[3]; pins[m[1]] != "" && pins[m[1]] != pin {
				t.Errorf("%s is used as %s and as %s", m[1], pins[m[1]], pin)
			} else {
				pins[m[1]] = pin
			}
			used[m[1]] = true
			if owner, _, _ := strings.Cut(m[1], "/"); owner != "actions" && owner != "github" && !slices.Contains(others, m[1]) {
				t.Errorf("%s: %s comes from somebody else", w.name, m[1])
			}
		}
	}
	for _, name := range others {
		if !used[name] {
			t.Errorf("%s is used no more", name)
		}
	}
}

// TestPermissions wants each job to have what it must, and no more: nothing comes from the workflow.
func TestPermissions(t *testing.T) {
	want := map[string]string{
		"ci.yml make": "contents: read", "cd.yml ci": "contents: read", "cd.yml release": "contents: write",
		"cd.yml publish":         "attestations: write, contents: read, id-token: write, packages: write",
		"security-scan.yml scan": "contents: read", "security-scan.yml image": "contents: read",
		"dependency-check.yml review": "contents: read", "dependency-check.yml dependencies": "contents: read",
	}
	got := map[string]string{}
	for _, w := range workflows(t) {
		if w.Permissions == nil || len(w.Permissions) > 0 {
			t.Errorf("%s has the permissions %v for all of its jobs, and should have {}", w.name, w.Permissions)
		}
		for name, j := range w.Jobs {
			var all []string
			for _, scope := range slices.Sorted(maps.Keys(j.Permissions)) {
				all = append(all, scope+": "+j.Permissions[scope])
			}
			got[w.name+" "+name] = strings.Join(all, ", ")
		}
	}
	if !maps.Equal(got, want) {
		t.Errorf("the permissions are\n%v\nand should be\n%v", got, want)
	}
}

// TestHardened is about what makes a workflow unsafe, or hang.
func TestHardened(t *testing.T) {
	for _, w := range workflows(t) {
		for event := range w.On { // others, such as pull_request_target, run with rights for code of others
			if !slices.Contains([]string{"push", "pull_request", "schedule", "workflow_call", "workflow_dispatch"}, event) {
				t.Errorf("%s runs at %s", w.name, event)
			}
		}
		for name, j := range w.Jobs {
			if j.Uses != "" {
				continue
			}
			if j.Timeout == 0 || j.RunsOn != "ubuntu-24.04" {
				t.Errorf("%s: %s ends after %d minutes, and runs on %q", w.name, name, j.Timeout, j.RunsOn)
			}
			for _, s := range j.Steps {
				if strings.HasPrefix(s.Uses, "actions/checkout@") && s.With["persist-credentials"] != false {
					t.Errorf("%s: %s leaves the token in the checkout", w.name, name)
				}
				if strings.Contains(s.Run, "${{") && !strings.HasPrefix(s.Run, "make ${{ matrix.target }}") {
					t.Errorf("%s: %s puts an expression into a script: %s", w.name, name, s.Run)
				}
			}
		}
	}
}

var (
	makeCommand = regexp.MustCompile(`\bmake ([a-z][a-z0-9-]*|\$\{\{ matrix\.target \}\})`)
	target      = regexp.MustCompile(`(?m)^([a-z0-9-]+):.*## `)
	scriptName  = regexp.MustCompile(`\bscripts/[\w-]+\.sh\b`)
)

// TestCommandsExist wants every target and script that a workflow names, and .ci/run's targets in ci.yml.
func TestCommandsExist(t *testing.T) {
	makefile, err := os.ReadFile(deploytest.Path(t, "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	targets := map[string]bool{}
	for _, m := range target.FindAllStringSubmatch(string(makefile), -1) {
		targets[m[1]] = true
	}
	used := map[string][]string{}
	for _, w := range workflows(t) {
		for _, name := range scriptName.FindAllString(w.text, -1) {
			if info, err := os.Stat(deploytest.Path(t, name)); err != nil || info.Mode()&0o100 == 0 {
				t.Errorf("%s names %s, which cannot be run (%v)", w.name, name, err)
			}
		}
		for _, j := range w.Jobs {
			for _, s := range j.Steps {
				for _, m := range makeCommand.FindAllStringSubmatch(s.Run, -1) {
					names := []string{m[1]}
					if strings.HasPrefix(m[1], "$") {
						names = j.Strategy.Matrix["target"]
					}
					used[w.name] = append(used[w.name], names...)
				}
			}
		}
	}
	for name, all := range used {
		for _, m := range all {
			if !targets[m] {
				t.Errorf("%s runs make %s, which does not exist", name, m)
			}
		}
	}
	run, err := os.ReadFile(deploytest.Path(t, ".ci/run"))
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`for target in ([^;]+);`).FindStringSubmatch(string(run))
	if m == nil {
		t.Fatal("which targets .ci/run runs cannot be seen")
	}
	for _, name := range strings.Fields(m[1]) {
		if !slices.Contains(used["ci.yml"], name) {
			t.Errorf(".ci/run runs make %s, and ci.yml does not", name)
		}
	}
}

// here are the commands of steps that are more than one of make, with what tries them here.
var here = map[string]string{
	"mkdir -p bin/release && make release-notes > bin/release/notes.md":            "TestNotes",
	`make publish >> "$GITHUB_OUTPUT"`:                                             "TestPublish",
	`docker login ghcr.io --username "$GITHUB_ACTOR" --password-stdin <<<"$TOKEN"`: "", // needs the registry's token
	`cosign sign --yes --recursive "$IMAGE" && cosign sign --yes "$CHART"`:         "", // needs the workflow's identity
}

// TestSteps wants every step to be a target of make, but for those listed and the release itself.
func TestSteps(t *testing.T) {
	seen := map[string]bool{}
	for _, w := range workflows(t) {
		for name, j := range w.Jobs {
			for _, s := range j.Steps {
				command := strings.TrimSpace(s.Run)
				_, listed := here[command]
				seen[command] = listed
				if alone := makeCommand.FindString(command) == command; command != "" && !alone && !listed && name != "release" {
					t.Errorf("%s: %s runs %q", w.name, name, command)
				}
			}
		}
	}
	for command := range here {
		if !seen[command] {
			t.Errorf("no workflow runs %q any more", command)
		}
	}
}
