package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// program is the binary under test.
var program string

// shipped is the folder of the configuration that ships.
const shipped = "../../configs"

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

// run builds the program once and runs the tests.
func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "e2e")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	program = filepath.Join(dir, "token-rate-limiter")
	args := append([]string{"build", "-o", program}, buildFlags...)
	build := exec.Command("go", append(args, "../../cmd/token-rate-limiter")...)
	if output, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "%v\n%s", err, output)
		return 1
	}
	return m.Run()
}
