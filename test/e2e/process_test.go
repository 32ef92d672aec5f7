package e2e

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// patience bounds every wait for something that is to happen at once; it is
// long because machines are busy.
const patience = 20 * time.Second

// process is a run of the program.
type process struct {
	stdout, stderr transcript

	cmd    *exec.Cmd
	exited chan struct{} // closed when it has ended
	err    error         // of its end
}

// start runs the program with args until the end of the test.
func start(t testing.TB, args ...string) *process {
	t.Helper()
	return startProgram(t, program, args...)
}

// startProgram runs the program at path, of whatever version, as start does.
func startProgram(t testing.TB, path string, args ...string) *process {
	t.Helper()
	p := &process{}
	p.cmd = command(args...)
	p.cmd.Path, p.cmd.Args[0] = path, path
	p.cmd.Stdout, p.cmd.Stderr = &p.stdout, &p.stderr
	p.begin(t)
	return p
}

// command returns the program with args in an environment that configures
// nothing.
func command(args ...string) *exec.Cmd {
	cmd := exec.Command(program, args...)
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"),
		"DATA_DIRECTORY=",          // the profile dev's would be shared, and beside the tests
		"GORACE=atexit_sleep_ms=0", // the race detector would sleep for a second at every end
	}
	return cmd
}

// begin starts the command, and sees to its end.
func (p *process) begin(t testing.TB) {
	t.Helper()
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p.exited = make(chan struct{})
	go func() {
		p.err = p.cmd.Wait()
		close(p.exited)
	}()
	t.Cleanup(func() {
		p.kill()
		if strings.Contains(p.stderr.String(), "DATA RACE") || strings.Contains(p.stderr.String(), "panic:") {
			t.Errorf("the program failed:\n%s", p.stderr.String())
		}
		if t.Failed() {
			t.Logf("%v wrote\n%s%s", p.cmd.Args[1:], p.stdout.String(), tail(p.stderr.String()))
		}
	})
}

// tail returns the last part of a long text.
func tail(s string) string {
	const most = 4000
	if len(s) > most {
		return "...\n" + s[len(s)-most:]
	}
	return s
}

// signal sends a signal to a process that may have ended.
func (p *process) signal(s syscall.Signal) { _ = p.cmd.Process.Signal(s) }

// kill ends the process as a crash does, and waits for its end.
func (p *process) kill() {
	p.signal(syscall.SIGKILL)
	<-p.exited
}

// wait waits for the end of the process and returns its exit code.
func (p *process) wait(t testing.TB) int {
	t.Helper()
	select {
	case <-p.exited:
	case <-time.After(patience):
		t.Fatalf("%v has not ended within %v:\n%s", p.cmd.Args[1:], patience, tail(p.stderr.String()))
	}
	var failed *exec.ExitError
	if p.err != nil && !errors.As(p.err, &failed) {
		t.Fatal(p.err)
	}
	return p.cmd.ProcessState.ExitCode()
}

// running reports whether the process has not ended.
func (p *process) running() bool {
	select {
	case <-p.exited:
		return false
	default:
		return true
	}
}

// eventually asks until answer is true, for as long as within, and returns how
// long that took. what says what is waited for.
func eventually(t testing.TB, within time.Duration, what string, answer func() bool) time.Duration {
	t.Helper()
	begun := time.Now()
	for !answer() {
		if time.Since(begun) > within {
			t.Fatalf("within %v it did not come to: %s", within, what)
		}
		time.Sleep(10 * time.Millisecond)
	}
	return time.Since(begun)
}
