package k8s

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// root is the folder of the repository.
var root string

// tools are the folders of the programs that the tests run, by the names in tools/.
var tools = map[string]string{"kubernetes": "", "etcd": "", "kwok": "", "helm": ""}

func TestMain(m *testing.M) {
	if err := prepare(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// prepare builds the tools, unless they have been built.
func prepare() error {
	var err error
	if root, err = filepath.Abs("../.."); err != nil {
		return err
	}
	for name := range tools {
		cmd := exec.Command(filepath.Join(root, "scripts/build-tools.sh"), name)
		cmd.Stderr = os.Stderr
		folder, err := cmd.Output()
		if err != nil {
			return fmt.Errorf("build tools/%s: %w", name, err)
		}
		tools[name] = strings.TrimSpace(string(folder))
	}
	return nil
}

// moduleFolder returns where the files of a module lie that tools/NAME/go.mod lists.
func moduleFolder(t *testing.T, name, module string) string {
	t.Helper()
	for _, args := range [][]string{{"mod", "download", module}, {"list", "-m", "-f", "{{.Dir}}", module}} {
		cmd := exec.Command("go", append([]string{"-C", filepath.Join(root, "tools", name)}, args...)...)
		cmd.Stderr = os.Stderr
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%v: %v", cmd.Args, err)
		}
		if folder := strings.TrimSpace(string(out)); folder != "" {
			return folder
		}
	}
	t.Fatalf("go knows no folder of %s", module)
	return ""
}
