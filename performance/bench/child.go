package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

const (
	readyTimeout = 20 * time.Second
	stopTimeout  = 5 * time.Second
)

// Child is a process that the harness started: a contender or a store that it
// needs. What it prints goes to a file, as a container's output would.
type Child struct {
	Name    string
	Address string // host:port it listens on

	command *exec.Cmd
	output  string        // file
	ended   chan struct{} // closed when the process has been waited for
}

// startChild runs a command that is to listen on address, and returns when
// ready does not fail any more. A command that ends before that, or is not
// ready within 20 s, is an error that quotes the end of its output. directory
// must exist; the output file is made there.
func startChild(ctx context.Context, directory, name, address string, ready func(context.Context) error, command ...string) (*Child, error) {
	output, err := os.Create(filepath.Join(directory, name+".log"))
	if err != nil {
		return nil, err
	}
	defer output.Close() // the child has its own descriptor
	c := &Child{Name: name, Address: address, output: output.Name(), ended: make(chan struct{})}
	c.command = exec.Command(command[0], command[1:]...)
	c.command.Stdout, c.command.Stderr = output, output
	c.command.Env = slices.DeleteFunc(os.Environ(), choosesProfile)
	if err := c.command.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	go func() {
		defer close(c.ended)
		_ = c.command.Wait() // how it ended is told by its output
	}()
	if err := c.await(ctx, ready); err != nil {
		c.Stop()
		return nil, err
	}
	return c, nil
}

// choosesProfile reports whether an environment variable would make the
// gateway read another configuration than the one made for it.
func choosesProfile(variable string) bool {
	name, _, _ := strings.Cut(variable, "=")
	return name == "PROFILE" || name == "SPRING_PROFILES_ACTIVE"
}

// await tries ready until it succeeds, the child ends, or the time is up.
func (c *Child) await(ctx context.Context, ready func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	for {
		err := ready(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-c.ended:
			return fmt.Errorf("%s ended at once: %s", c.Name, c.lastOutput())
		case <-ctx.Done():
			return fmt.Errorf("%s is not ready (%w): %s", c.Name, errors.Join(ctx.Err(), err), c.lastOutput())
		}
	}
}

// PID returns the process id.
func (c *Child) PID() int { return c.command.Process.Pid }

// CPU returns the CPU time that the process has spent so far.
func (c *Child) CPU() (time.Duration, error) { return processCPU(c.PID()) }

// Stop asks the process to end, kills it if it takes longer than 5 s, and
// returns when it has ended. Stopping twice is harmless.
func (c *Child) Stop() {
	_ = c.command.Process.Signal(syscall.SIGTERM)
	select {
	case <-c.ended:
	case <-time.After(stopTimeout):
		_ = c.command.Process.Kill()
		<-c.ended
	}
}

// lastOutput returns the end of what the process printed, for an error message.
func (c *Child) lastOutput() string {
	const most = 600
	text, err := os.ReadFile(c.output)
	if err != nil {
		return err.Error()
	}
	if len(text) > most {
		text = text[len(text)-most:]
	}
	return strings.TrimSpace(string(text))
}

// freeAddress returns a loopback address on which nothing listened a moment
// ago.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// accepts is a check for startChild: the address accepts a connection.
func accepts(address string) func(context.Context) error {
	return func(ctx context.Context) error {
		var d net.Dialer
		conn, err := d.DialContext(ctx, "tcp", address)
		if err != nil {
			return err
		}
		return conn.Close()
	}
}
