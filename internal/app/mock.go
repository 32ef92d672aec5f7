package app

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"slices"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/config"
	"github.com/token-rate-limiter/token-rate-limiter/internal/mockvllm"
)

// The pace of mock models in the process: fast enough to play with, slow enough to see a stream.
const (
	mockFirstToken = 50 * time.Millisecond
	mockToken      = 10 * time.Millisecond
)

// mockLength is how long their answers are: some ten of them use up the limits of the profile dev.
var mockLength = mockvllm.Length{Min: 160, Max: 240}

// mocks is the stand-in model server of the services whose address is "mock:". It is a real server
// on a loopback port, so that nothing differs but the address.
//
// The zero value has not started. One goroutine at a time uses it.
type mocks struct {
	server   *mockvllm.Server
	http     *http.Server
	listener net.Listener
}

// serve sees to it that the mock models that c asks for are served, beside those that were before.
func (m *mocks) serve(c *config.Config) error {
	var models []mockvllm.Model
	for _, name := range slices.Sorted(maps.Keys(c.Services)) {
		if s := c.Services[name]; slices.Contains(s.Servers, config.MockServer) {
			models = append(models, mockvllm.Model{Name: s.ServedAs})
		}
	}
	if len(models) > 0 && m.server == nil {
		return m.start(models)
	}
	for _, x := range models {
		m.server.Serve(x)
	}
	return nil
}

func (m *mocks) start(models []mockvllm.Model) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("the mock model server: %w", err)
	}
	m.listener = listener
	m.server = mockvllm.New(mockvllm.Options{
		Models: models, OutputTokens: mockLength,
		TimeToFirstToken: mockFirstToken, TokenInterval: mockToken,
	})
	m.http = &http.Server{Handler: m.server, ReadHeaderTimeout: 5 * time.Second}
	go func() {
		if err := m.http.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			panic(err) // the listener broke: nothing in this process can go on
		}
	}()
	return nil
}

func (m *mocks) url() string { return "http://" + m.listener.Addr().String() }

func (m *mocks) close() {
	if m.server == nil {
		return
	}
	m.server.Close()
	_ = m.http.Close()
}
