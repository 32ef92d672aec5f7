// Package deploytest is what the tests of deployment share: where the repository is, and
// programs that are run to their end or until the test ends.
package deploytest

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Root is the repository, from a package of test/deploy.
const Root = "../../.."

// Patience bounds every wait for something that is to happen at once; machines are busy.
const Patience = 30 * time.Second

// Path returns the absolute path of a file of the repository.
func Path(t testing.TB, name string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join(Root, name))
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// Need returns where a program is. A missing one fails the test: `make test-deploy` installs
// what the tests need.
func Need(t testing.TB, program string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if errors.Is(err, exec.ErrNotFound) {
		path, err = exec.LookPath("/usr/sbin/" + program) // which is not in everybody's PATH
	}
	if err != nil {
		t.Fatalf("the test needs %s: scripts/install-deploy-needs.sh", program)
	}
	return path
}

// Command returns a program with the environment given, and nothing else of the test's but
// PATH and HOME.
func Command(env []string, args ...string) *exec.Cmd {
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH") + ":/usr/sbin", "HOME=" + os.Getenv("HOME")}, env...)
	return cmd
}

// Output runs a command, which must succeed, and returns what it writes to standard output.
func Output(t testing.TB, cmd *exec.Cmd) string {
	t.Helper()
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %v\n%s%s", cmd.Args, err, out, errs.String())
	}
	return string(out)
}

// built builds the program once, for all tests of a package.
var built = sync.OnceValue(func() error {
	if out, err := exec.Command("make", "--no-print-directory", "-C", Root, "build").CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
})

// Binary builds the program, as `make build` does, and returns its path.
func Binary(t testing.TB) string {
	t.Helper()
	if err := built(); err != nil {
		t.Fatal(err)
	}
	return Path(t, "bin/token-rate-limiter")
}

// Process is a program that runs until the test ends, or ends by itself.
type Process struct {
	cmd    *exec.Cmd
	exited chan struct{}

	mu     sync.Mutex
	output bytes.Buffer
}

// Start starts a command. At the end of the test it is told to end, by its process id.
func Start(t testing.TB, cmd *exec.Cmd) *Process {
	t.Helper()
	p := &Process{cmd: cmd, exited: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = p, p
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = cmd.Wait() // its exit code is looked at where it matters
		close(p.exited)
	}()
	t.Cleanup(func() {
		p.Signal(syscall.SIGTERM)
		if _, ended := p.Ended(Patience); !ended {
			p.Signal(syscall.SIGKILL)
			<-p.exited
		}
		if t.Failed() {
			t.Logf("%v wrote\n%s", cmd.Args, p.Tail())
		}
	})
	return p
}

// Write takes what the program writes. It implements io.Writer.
func (p *Process) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.output.Write(b)
}

// Output returns what the program has written so far.
func (p *Process) Output() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.output.String()
}

// Tail returns the last part of what the program has written.
func (p *Process) Tail() string {
	const most = 4000
	s := p.Output()
	return s[max(0, len(s)-most):]
}

// PID returns the program's process id.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Signal sends a signal to a program that may have ended.
func (p *Process) Signal(s syscall.Signal) { _ = p.cmd.Process.Signal(s) }

// Stop ends the program as a supervisor does, and waits for its end.
func (p *Process) Stop(t testing.TB) {
	t.Helper()
	p.Signal(syscall.SIGTERM)
	if _, ended := p.Ended(Patience); !ended {
		t.Errorf("%v does not end", p.cmd.Args)
	}
}

// Ended waits for the program's end for as long as within, and returns its exit code.
func (p *Process) Ended(within time.Duration) (code int, ended bool) {
	select {
	case <-p.exited:
		return p.cmd.ProcessState.ExitCode(), true
	case <-time.After(within):
		return 0, false
	}
}

// Await waits until the program has written text.
func (p *Process) Await(t testing.TB, text string) {
	t.Helper()
	Eventually(t, text, func() bool {
		if _, ended := p.Ended(0); ended && !strings.Contains(p.Output(), text) {
			t.Fatalf("%v has ended without %q:\n%s", p.cmd.Args, text, p.Tail())
		}
		return strings.Contains(p.Output(), text)
	})
}

// Eventually asks until answer is true. what says what is waited for.
func Eventually(t testing.TB, what string, answer func() bool) {
	t.Helper()
	for begun := time.Now(); !answer(); time.Sleep(20 * time.Millisecond) {
		if time.Since(begun) > Patience {
			t.Fatalf("within %v it did not come to: %s", Patience, what)
		}
	}
}

// FreePort returns a port that nothing listens on at any of the addresses of the loopback
// interface given; without one, at 127.0.0.1.
func FreePort(t testing.TB, hosts ...string) string {
	t.Helper()
	if len(hosts) == 0 {
		hosts = []string{"127.0.0.1"}
	}
	for range 100 {
		l, err := net.Listen("tcp", hosts[0]+":0")
		if err != nil {
			t.Fatal(err)
		}
		_, port, _ := net.SplitHostPort(l.Addr().String())
		l.Close()
		if isFree(port, hosts) {
			return port
		}
	}
	t.Fatalf("no port is free at all of %v", hosts)
	return ""
}

func isFree(port string, hosts []string) bool {
	for _, host := range hosts {
		l, err := net.Listen("tcp", net.JoinHostPort(host, port))
		if err != nil {
			return false
		}
		l.Close()
	}
	return true
}
