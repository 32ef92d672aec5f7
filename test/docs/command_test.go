package docs_test

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// elsewhere are the commands of documents that are not run here, by what runs them:
// a test, or a script of the repository.
var elsewhere = map[string]string{
	"make test":                         ".ci/run",
	"make test-unit":                    ".ci/run", // a part of make test
	"make test-integration":             ".ci/run", // the other part
	"make cover":                        "Makefile",
	"make fuzz":                         "scripts/fuzz.sh",
	"make mutate":                       "TestSampleOfMutants",
	"make bench":                        "TestRunMeasuresGateway",
	"make soak":                         "TestSoak",
	"make load":                         "TestScript",
	"make propagation":                  ".ci/run",
	"make rolling":                      ".ci/run",
	"make image":                        "TestImage",
	"make k8s-test":                     ".ci/run",
	"make test-deploy":                  ".ci/run",
	"make api":                          "TestPublished",
	"make check":                        "scripts/git-hooks/pre-push",
	"make security":                     "TestSecurity",
	"make vulnerabilities":              "TestVulnerabilities",
	"make dependencies":                 ".github/workflows/dependency-check.yml",
	"make release-files VERSION=v1.2.3": "TestFiles",
	"make dashboards":                   "tools/dashboards/board/board_test.go",
	"make pictures":                     "tools/dashboards/picture/picture_test.go",
	"go run ./performance/bench --profile performance/results/profile --scenario requests --scenario streaming": "TestRunMeasuresGateway",
	"go tool pprof -top -cum performance/results/profile/gateway-memory-cpu.pprof":                              "scripts/profile.sh",
	"go tool pprof -top -cum performance/results/profile/gateway-memory-stream-cpu.pprof":                       "scripts/profile.sh",
	"scripts/count-instructions.sh ./internal/proxy Chat":                                                       "scripts/count-instructions.sh",

	"make load PLAN=k6-stress":                                                       "TestScript",
	"go build -o bin/bench ./performance/bench && make build":                        "TestRunMeasuresGateway",
	"chrt -r 5 bin/bench --gateway bin/token-rate-limiter --scenario soak --enforce": "TestSoak",

	"npx newman@6 run docs/api/postman-collection.json --env-var baseUrl=$GATEWAY --env-var apiKey=$KEY --env-var adminKey=$ADMIN_KEY":                                                                          "TestCollection",
	`curl -sf http://127.0.0.1:9093/api/v2/alerts -H 'Content-Type: application/json' -d '[{"labels":{"alertname":"TrialAlert","severity":"critical"},"annotations":{"summary":"A trial: nothing is wrong"}}]'`: "TestTrialAlertArrives",

	"helm install token-rate-limiter charts/token-rate-limiter -n model-serving --create-namespace -f my-values.yaml": "TestValueFiles",
	"helm test token-rate-limiter -n model-serving":                                                                   "TestValueFiles",
}

// others are the programs whose commands other tests read out of all documents, and run: on a cluster, and
// on a Redis that nobody uses. TestBackup has the same ones as docs/operations.md.
var others = map[string]string{
	"kubectl":                  "TestClusterCommandsOfDocuments",
	"helm":                     "TestClusterCommandsOfDocuments",
	"sed":                      "TestClusterCommandsOfDocuments",
	"scripts/deploy-k8s.sh":    "TestClusterCommandsOfDocuments",
	"scripts/backup-redis.sh":  "TestScriptCommandsOfDocuments",
	"pg_dump":                  "TestBackup",
	"pg_restore":               "TestBackup",
	"psql":                     "TestBackup",
	"sqlite3":                  "TestBackup",
	"scripts/setup-dev-env.sh": "TestScriptCommandsOfDocuments",
}

// cannot are the beginnings of commands that no test runs, by the reason, with what comes nearest.
var cannot = map[string]string{
	"docker tag ":     "needs an engine",
	"cosign verify ":  "needs a published release",
	"gh attestation ": "needs a published release; test/deploy/release publishes one to a registry of its own",
	"docker push ":    "needs a registry",
	"docker run ":     "needs an engine; test/deploy/image runs the binary of the image",
	"docker compose ": "needs an engine; test/deploy/compose reads the files with Compose's own parser",
	"docker stack ":   "needs an engine; test/deploy/compose reads the files with the reader of docker stack deploy",
	"docker service ": "needs an engine; test/deploy/upgrade replaces gateways",
}

// runs are the programs whose commands are run here.
var runs = []string{"curl", "bin/token-rate-limiter", "export", "openssl", "grep", "echo", "redis-cli", "sleep", "chmod", "go tool pprof", "umask"}

// command is one line of a shell, without its comment.
type command struct {
	text     string
	statuses []string // of answers that are errors, as its comment announces them
}

var (
	assignment = regexp.MustCompile(`^([A-Z0-9_]+=\S*\s+)+`)
	announced  = regexp.MustCompile(`\b[45]\d\d\b`)
)

// commands returns those of a block: lines that end in a backslash go on.
func commands(f fence) []command {
	var all []command
	for _, line := range strings.Split(strings.ReplaceAll(f.String(), "\\\n", " "), "\n") {
		said := comment.FindString(line)
		text := strings.TrimSpace(comment.ReplaceAllString(line, ""))
		if text != "" {
			all = append(all, command{text, announced.FindAllString(said, -1)})
		}
	}
	return all
}

// kind says what becomes of a command.
type kind int

const (
	unknown kind = iota
	isRun
	isElsewhere
	isOthers
	cannotRun
	isServer // runs until it is ended
	isGoTest // checked by TestNamedCommandsOfTestsFindThem
)

func (c command) kind() kind {
	bare := assignment.ReplaceAllString(c.text, "")
	begins := func(program string) bool { return bare == program || strings.HasPrefix(bare, program+" ") }
	switch {
	case begins("make run"), begins("make run-prod"):
		return isServer
	case elsewhere[bare] != "":
		return isElsewhere
	case begins("go test"):
		return isGoTest
	case slices.ContainsFunc(slices.Collect(maps.Keys(others)), begins):
		return isOthers
	case slices.ContainsFunc(slices.Collect(maps.Keys(cannot)), func(beginning string) bool { return strings.HasPrefix(bare, beginning) }):
		return cannotRun
	case slices.ContainsFunc(runs, begins):
		return isRun
	}
	return unknown
}

// shellBlocks returns the blocks of a document that are for a shell.
func (d document) shellBlocks() []fence {
	return slices.DeleteFunc(slices.Clone(d.fences), func(f fence) bool { return f.language != "sh" })
}

// TestEveryCommandIsRun wants each command of each document run here or named
// above, and what is named there to exist.
func TestEveryCommandIsRun(t *testing.T) {
	used, cannotUsed, count := map[string]bool{}, map[string]bool{}, 0
	for _, d := range documents(t) {
		for _, f := range d.fences {
			if f.language == "bash" || f.language == "shell" || f.language == "console" {
				t.Errorf("%s: write ```sh, which is run: %s", d.path, f)
			}
		}
		for _, f := range d.shellBlocks() {
			for _, c := range commands(f) {
				count++
				switch c.kind() {
				case unknown:
					t.Errorf("%s: nothing runs %q: add its program to runs, or the command to elsewhere", d.path, c.text)
				case isElsewhere:
					used[assignment.ReplaceAllString(c.text, "")] = true
				case cannotRun:
					words := strings.Fields(assignment.ReplaceAllString(c.text, ""))
					cannotUsed[words[0]+" "+words[1]+" "] = true
				}
			}
		}
	}
	if count < 100 {
		t.Errorf("there are %d commands only", count)
	}
	names := testNames(t)
	for text, by := range elsewhere {
		if !used[text] {
			t.Errorf("no document has %q any more", text)
		}
		if _, err := os.Stat(filepath.Join(root, by)); err != nil && !slices.Contains(names, by) {
			t.Errorf("%q is said to be run by %s, which does not exist", text, by)
		}
	}
	for program, by := range others {
		if !slices.Contains(names, by) {
			t.Errorf("commands of %s are said to be run by %s, which does not exist", program, by)
		}
	}
	for beginning := range cannot {
		if !cannotUsed[beginning] {
			t.Errorf("no document has a command that begins with %q any more", beginning)
		}
	}
}

// TestCommands lets commands be told apart.
func TestCommands(t *testing.T) {
	f := fence{lines: []string{"curl -i a \\", "  -d '#{b}'   # 404: gone", "# only words", "A=b make run-prod", "rm -rf /", "A1=b docker run x", "kubectl apply"}}
	var got []kind
	for _, c := range commands(f) {
		got = append(got, c.kind())
	}
	if !slices.Equal(got, []kind{isRun, isServer, unknown, cannotRun, isOthers}) {
		t.Errorf("the kinds are %v", got)
	}
	if c := commands(f)[0]; c.text != "curl -i a    -d '#{b}'" || !slices.Equal(c.statuses, []string{"404"}) {
		t.Errorf("%+v", c)
	}
}
