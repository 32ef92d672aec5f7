package postgrestest

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver pgx
)

const (
	startTimeout = 20 * time.Second
	// startAttempts is how often another port is tried: a free one may be taken before the
	// server gets it.
	startAttempts = 3
	// account runs the server where the test runs as root, whom PostgreSQL refuses. Debian's
	// package makes it.
	account = "postgres"
)

// Server is a PostgreSQL server that runs for a test.
type Server struct {
	dir, port string
	output    bytes.Buffer // complete once it has exited
	cmd       *exec.Cmd
	exited    chan struct{} // closed when the process has ended
}

// Start runs a server until the end of the test, which fails where PostgreSQL is missing or
// does not start. Nothing is written to a disk for good: what a crash of the machine leaves is
// not what is tested with it.
func Start(tb testing.TB) *Server {
	tb.Helper()
	s, err := Open()
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(s.Close)
	return s
}

// Open runs a server until Close, for TestMain, which has no testing.TB.
func Open() (_ *Server, err error) {
	s := &Server{}
	// The name is short, for the path of a socket has to be.
	if s.dir, err = os.MkdirTemp("", "postgres"); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			s.Close()
		}
	}()
	if err = own(s.dir); err != nil {
		return nil, err
	}
	made := command("initdb", "--pgdata", s.data(), "--auth", "trust", "--username", "test",
		"--no-sync", "--encoding", "UTF8", "--locale", "C.UTF-8")
	if output, err := made.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("PostgreSQL is needed for this test: install it "+
			"(Debian, Ubuntu: apt-get install postgresql): initdb: %w\n%s", err, output)
	}
	for range startAttempts {
		if s.port, err = freePort(); err == nil {
			err = s.run()
		}
		if err == nil {
			return s, nil
		}
	}
	return nil, err
}

// Standby runs a server that follows s as its standby, until the end of the test.
func (s *Server) Standby(tb testing.TB) *Server {
	tb.Helper()
	other := &Server{}
	tb.Cleanup(func() { other.Close() })
	var err error
	if other.dir, err = os.MkdirTemp("", "postgres"); err == nil {
		err = own(other.dir)
	}
	if err != nil {
		tb.Fatal(err)
	}
	copied := command("pg_basebackup", "--pgdata", other.data(), "--host", "127.0.0.1",
		"--port", s.port, "--username", "test", "--no-sync", "--checkpoint", "fast",
		"--write-recovery-conf")
	if output, err := copied.CombinedOutput(); err != nil {
		tb.Fatalf("pg_basebackup: %v\n%s", err, output)
	}
	if other.port, err = freePort(); err == nil {
		err = other.run()
	}
	if err != nil {
		tb.Fatal(err)
	}
	return other
}

// Run runs one of PostgreSQL's programs for clients, such as pg_dump, in a folder, and fails the
// test where that fails.
func Run(tb testing.TB, dir, name string, args ...string) {
	tb.Helper()
	cmd := exec.CommandContext(tb.Context(), program(name), args...) // #nosec G204 -- a test's
	cmd.Dir = dir
	if output, err := cmd.CombinedOutput(); err != nil {
		tb.Fatalf("%s: %v\n%s", name, err, output)
	}
}

// Host is where the server is, as a part of a URL.
func (s *Server) Host() string { return "127.0.0.1:" + s.port }

// Close kills the server and removes what it has kept.
func (s *Server) Close() {
	s.Kill()
	_ = os.RemoveAll(s.dir)
}

// URL is where the server is, and its database of that name, which is made where it is missing.
func (s *Server) URL(tb testing.TB, database string) string {
	tb.Helper()
	db, err := sql.Open("pgx", s.url("postgres"))
	if err != nil {
		tb.Fatal(err)
	}
	defer db.Close()
	var there bool
	const ask = "SELECT EXISTS (SELECT 1 FROM pg_database WHERE datname = $1)"
	err = db.QueryRowContext(tb.Context(), ask, database).Scan(&there)
	if err == nil && !there {
		_, err = db.ExecContext(tb.Context(), "CREATE DATABASE "+strconv.Quote(database))
	}
	if err != nil {
		tb.Fatal(err)
	}
	return s.url(database)
}

func (s *Server) url(database string) string {
	return fmt.Sprintf("postgres://test@127.0.0.1:%s/%s?sslmode=disable&connect_timeout=5",
		s.port, database)
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

// run starts the process and waits until it answers.
func (s *Server) run() error {
	s.output.Reset()
	s.cmd = command("postgres", "-D", s.data(), "-h", "127.0.0.1", "-p", s.port, "-k", s.dir,
		"-F", "-c", "full_page_writes=off")
	s.cmd.Stdout, s.cmd.Stderr = &s.output, &s.output
	if err := s.cmd.Start(); err != nil {
		return err
	}
	s.exited = make(chan struct{})
	go func(cmd *exec.Cmd, exited chan struct{}) {
		_ = cmd.Wait()
		close(exited)
	}(s.cmd, s.exited)
	db, err := sql.Open("pgx", s.url("postgres"))
	if err != nil {
		return err
	}
	defer db.Close()
	for deadline := time.Now().Add(startTimeout); ; {
		err := ping(db)
		if err == nil {
			return nil
		}
		select {
		case <-s.exited:
			return fmt.Errorf("postgres ended at once:\n%s", s.output.String())
		case <-time.After(20 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			s.Kill()
			return fmt.Errorf("postgres did not answer within %v: %w\n%s",
				startTimeout, err, s.output.String())
		}
	}
}

func ping(db *sql.DB) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	return db.PingContext(ctx)
}

// Kill ends the server as a crash would, with all its processes, and waits for its end. A server
// that has ended is left alone.
func (s *Server) Kill() {
	if s.exited == nil {
		return
	}
	s.signal(syscall.SIGKILL)
	<-s.exited
}

// Restart starts a server that has ended, on the same port.
func (s *Server) Restart(tb testing.TB) {
	tb.Helper()
	_ = os.Remove(filepath.Join(s.data(), "postmaster.pid"))
	if err := s.run(); err != nil {
		tb.Fatal(err)
	}
}

// Pause stops all processes of the server in their tracks: connections stay open, and nothing
// is answered until Resume.
func (s *Server) Pause() { s.signal(syscall.SIGSTOP) }

// Resume lets a paused server go on.
func (s *Server) Resume() { s.signal(syscall.SIGCONT) }

// signal sends a signal to the server and then to those that it has started for connections,
// each of which has a group of its own (Linux tells who they are).
func (s *Server) signal(sig syscall.Signal) {
	pid := s.cmd.Process.Pid
	children, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%[1]d/children", pid))
	_ = syscall.Kill(pid, sig)
	for child := range strings.FieldsSeq(string(children)) {
		if id, err := strconv.Atoi(child); err == nil {
			_ = syscall.Kill(id, sig)
		}
	}
}

// command returns a command of PostgreSQL, which is not run as root.
func command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(program(name), args...) // #nosec G204 -- one of PostgreSQL's
	cmd.Dir = "/"
	cmd.Env = []string{"LC_ALL=C.UTF-8", "PATH=" + os.Getenv("PATH")}
	cmd.SysProcAttr = &syscall.SysProcAttr{}
	if uid, gid, ok := servant(); ok {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uid, Gid: gid}
	}
	return cmd
}

// program returns where a command of PostgreSQL is: Debian keeps them beside PATH.
func program(name string) string {
	if path, err := exec.LookPath(name); err == nil {
		return path
	}
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/" + name)
	if len(found) == 0 {
		return name // whose error names it
	}
	return slices.Max(found)
}

// servant returns the account that runs the server; false where that is the test's own.
func servant() (uid, gid uint32, ok bool) {
	if os.Geteuid() != 0 {
		return 0, 0, false
	}
	u, err := user.Lookup(account)
	if err != nil {
		return 65534, 65534, true // nobody
	}
	id := func(text string) uint32 {
		n, _ := strconv.ParseUint(text, 10, 32)
		return uint32(n)
	}
	return id(u.Uid), id(u.Gid), true
}

// own gives a folder to whom the server is run by.
func own(dir string) error {
	if uid, gid, ok := servant(); ok {
		return os.Chown(dir, int(uid), int(gid))
	}
	return nil
}

// freePort returns a port of the loopback interface that nothing listens on.
func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	return port, err
}
