package redistest

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Program is the server that is started, looked up in PATH.
const Program = "redis-server"

// startTimeout is how long a server may take until it answers.
const startTimeout = 10 * time.Second

// startAttempts is how often another port is tried: a free one may be taken
// before the server gets it.
const startAttempts = 3

// Server is a Redis server that runs for a test.
type Server struct {
	Addr string // host:port

	dir    string
	args   []string
	cmd    *exec.Cmd
	exited chan struct{} // closed when the process has ended
	output *bytes.Buffer // of the process; complete once it has exited
}

// Start runs a server until the end of the test. args are further arguments
// of redis-server, such as "--requirepass", "secret". The test fails where
// redis-server is missing or does not start.
func Start(tb testing.TB, args ...string) *Server {
	tb.Helper()
	s, err := Open(tb.TempDir(), args...)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(s.Kill)
	return s
}

// Open runs a server in dir until Stop or Kill, for TestMain, which has no
// testing.TB.
func Open(dir string, args ...string) (*Server, error) {
	if _, err := exec.LookPath(Program); err != nil {
		return nil, fmt.Errorf("%s is needed for this test: install it (Debian, Ubuntu: "+
			"apt-get install redis-server; macOS: brew install redis): %w", Program, err)
	}
	s := &Server{dir: dir, args: args}
	var err error
	for range startAttempts {
		if s.Addr, err = freeAddress(); err != nil {
			return nil, err
		}
		if err = s.run(); err == nil {
			return s, nil
		}
	}
	return nil, err
}

// freeAddress returns an address of the loopback interface that nothing
// listens on.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("look for a free port: %w", err)
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// run starts the process and waits until it answers.
func (s *Server) run() error {
	host, port, err := net.SplitHostPort(s.Addr)
	if err != nil {
		return err
	}
	s.output = &bytes.Buffer{}
	s.cmd = exec.Command(Program, "--bind", host, "--port", port, "--dir", s.dir, "--save", "")
	s.cmd.Args = append(append(s.cmd.Args, "--appendonly", "no"), s.args...)
	s.cmd.Stdout, s.cmd.Stderr = s.output, s.output
	s.cmd.SysProcAttr = child()
	if err := s.cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", Program, err)
	}
	s.exited = make(chan struct{})
	go func(cmd *exec.Cmd, exited chan struct{}) {
		_ = cmd.Wait()
		close(exited)
	}(s.cmd, s.exited)
	return s.await()
}

// await waits until the server answers anything at all.
func (s *Server) await() error {
	deadline := time.After(startTimeout)
	for {
		_, err := s.Do("PING")
		var answer serverError
		if err == nil || errors.As(err, &answer) && !strings.HasPrefix(string(answer), "LOADING") {
			return nil
		}
		select {
		case <-s.exited:
			return fmt.Errorf("%s ended at once:\n%s", Program, s.output)
		case <-deadline:
			s.Kill()
			return fmt.Errorf("%s did not answer within %v: %w\n%s",
				Program, startTimeout, err, s.output)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// Stop ends the server as an operator would, and waits for its end.
func (s *Server) Stop() { s.end(syscall.SIGTERM) }

// Kill ends the server as a crash would (kill -9), and waits for its end. A
// server that has ended is left alone.
func (s *Server) Kill() { s.end(syscall.SIGKILL) }

func (s *Server) end(sig os.Signal) {
	select {
	case <-s.exited:
		return
	default:
	}
	if sig != os.Signal(syscall.SIGKILL) {
		s.Resume() // a server that is paused cannot end itself
	}
	_ = s.cmd.Process.Signal(sig)
	<-s.exited
}

// Pause stops the server in its tracks (SIGSTOP): connections stay open, and
// nothing is answered until Resume.
func (s *Server) Pause() { _ = s.cmd.Process.Signal(syscall.SIGSTOP) }

// Resume lets a paused server go on (SIGCONT), with what was sent meanwhile.
func (s *Server) Resume() { _ = s.cmd.Process.Signal(syscall.SIGCONT) }

// Restart kills the server, if it runs, and starts it on the same address. It
// has lost its data, unless it was started with arguments that keep them.
func (s *Server) Restart() error {
	s.Kill()
	return s.run()
}

// FlushAll drops all data of the server.
func (s *Server) FlushAll() error {
	_, err := s.Do("FLUSHALL")
	return err
}

// Port returns the port of the server.
func (s *Server) Port() int { return port(s.Addr) }

// port returns the port of an address.
func port(address string) int {
	_, port, _ := net.SplitHostPort(address)
	n, _ := strconv.Atoi(port)
	return n
}
