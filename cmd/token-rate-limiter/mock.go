package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/mockvllm"
)

type mockCommand struct {
	Address    string        `default:"127.0.0.1:8000" placeholder:"HOST:PORT" help:"${listen}"`
	Model      []string      `placeholder:"NAME" help:"${model}"`
	Ledger     string        `placeholder:"FILE" help:"${ledger}"`
	FirstToken time.Duration `default:"0s" help:"${first}"`
	Token      time.Duration `default:"0s" help:"Time between tokens (${default})."`
}

// Run runs the stand-in until it is told to end.
func (c *mockCommand) Run() error {
	outliveReaders()
	o := mockvllm.Options{
		TimeToFirstToken: c.FirstToken, TokenInterval: c.Token,
		Ledger: &mockvllm.Ledger{Keep: 1000},
	}
	for _, name := range c.Model {
		o.Models = append(o.Models, mockvllm.Model{Name: name})
	}
	if c.Ledger == "" {
		return c.serve(o)
	}
	// Each line is one write that appends, and nothing is held back: the books
	// of a process that is killed are whole.
	const flags = os.O_APPEND | os.O_CREATE | os.O_WRONLY
	f, err := os.OpenFile(c.Ledger, flags, 0o666) // #nosec G302 G304 -- as the umask allows
	if err != nil {
		return fmt.Errorf("--ledger: %w", err)
	}
	o.Ledger.Writer = f
	err = c.serve(o)
	return errors.Join(err, o.Ledger.Err(), f.Close())
}

// quiesceTimeout bounds the wait for requests that are broken off, so that the ledger has them.
const quiesceTimeout = 5 * time.Second

// serve serves until a signal comes, and returns when nothing is running.
func (c *mockCommand) serve(o mockvllm.Options) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", c.Address)
	if err != nil {
		return fmt.Errorf("--address: %w; choose another there", err)
	}
	mock := mockvllm.New(o)
	server := &http.Server{Handler: mock, ReadHeaderTimeout: 5 * time.Second}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	fmt.Printf("mock-vllm listens on http://%s\n", listener.Addr())
	select {
	case <-ctx.Done():
		mock.Close()
		ctx, cancel := context.WithTimeout(context.Background(), quiesceTimeout)
		defer cancel()
		return errors.Join(server.Close(), o.Ledger.Quiesce(ctx))
	case err := <-served:
		return err
	}
}
