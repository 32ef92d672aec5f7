package script_test

import (
	"os/exec"
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/test/deploy/deploytest"
)

// start starts a program that must end when it is told to, at the latest at the end of the test.
func start(t *testing.T, program string, arguments ...string) *deploytest.Process {
	t.Helper()
	cmd := exec.Command(program, arguments...)
	cmd.Dir = root
	p := deploytest.Start(t, cmd)
	t.Cleanup(func() { p.Stop(t) })
	return p
}
