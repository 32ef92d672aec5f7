package chart

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// root is the folder of the repository.
const root = "../../.."

const folder = root + "/charts/token-rate-limiter"

var update = flag.Bool("update", false, "write k8s/, the chart's README and values.schema.json")

// run returns what a program prints, and fails the test where it fails.
func run(t *testing.T, program string, args ...string) string {
	t.Helper()
	out, err := try(program, args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// try returns what a program prints on standard output; the error has all it says.
func try(program string, args ...string) (string, error) {
	var out, errs bytes.Buffer
	c := exec.Command(program, args...)
	c.Dir = root
	c.Stdout, c.Stderr = &out, &errs
	if err := c.Run(); err != nil {
		return "", fmt.Errorf("%s %s: %w\n%s%s", filepath.Base(program), strings.Join(args, " "), err, &out, &errs)
	}
	return out.String(), nil
}

// built returns the path of a program that tools/NAME has.
func built(name string) func() (string, error) {
	return sync.OnceValues(func() (string, error) {
		in, err := try("scripts/build-tools.sh", name)
		return filepath.Join(strings.TrimSpace(in), name), err
	})
}

var (
	helmProgram      = built("helm")
	validatorProgram = built("kubectl-validate")
)

func helm(t *testing.T, args ...string) string {
	t.Helper()
	out, err := tryHelm(args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func tryHelm(args ...string) (string, error) {
	program, err := helmProgram()
	if err != nil {
		return "", err
	}
	return try(program, args...)
}

// render returns the manifests that a release called gateway consists of.
func render(t *testing.T, args ...string) string {
	t.Helper()
	return helm(t, append([]string{"template", "gateway", "charts/token-rate-limiter", "-n", "serving"}, args...)...)
}

// valueFiles returns the files of values that the chart is tested with, by name.
func valueFiles(t *testing.T) map[string]string {
	t.Helper()
	paths, err := filepath.Glob(folder + "/ci/*-values.yaml")
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, p := range paths {
		files[strings.TrimSuffix(filepath.Base(p), "-values.yaml")] = "charts/token-rate-limiter/ci/" + filepath.Base(p)
	}
	for _, name := range []string{"default", "external-redis", "tls", "ingress", "gateway-api", "monitoring", "gpu-models", "single-memory", "control-database"} {
		if files[name] == "" {
			t.Errorf("there is no ci/%s-values.yaml", name)
		}
	}
	return files
}

// compare fails the test where a file is not as wanted, or writes it with -update.
func compare(t *testing.T, path, want string) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil || string(got) != want {
		t.Errorf("%s is not what the chart says (%v): run make manifests", path, err)
	}
}
