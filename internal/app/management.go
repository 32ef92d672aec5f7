package app

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"

	"github.com/token-rate-limiter/token-rate-limiter/internal/admin"
	"github.com/token-rate-limiter/token-rate-limiter/internal/config"
	"github.com/token-rate-limiter/token-rate-limiter/internal/gate"
	"github.com/token-rate-limiter/token-rate-limiter/internal/listener"
	"github.com/token-rate-limiter/token-rate-limiter/internal/reply"
)

// management is the listener for operators, apart from the one for clients. It is
// open from before the first request until after the last one is settled, so that
// probes and scrapers see a gateway drain.
type management struct {
	address  string // as configured
	routes   gate.Mux
	server   listener.Server
	listener net.Listener
}

// newManagement returns the listener that c asks for, not yet open; nil: operators
// share the clients'.
func newManagement(c *config.Config, h *admin.Handler, log *slog.Logger) *management {
	if c.Management.Address == "" {
		return nil
	}
	m := &management{address: c.Management.Address}
	h.RegisterOperations(&m.routes)
	m.routes.Handle("/", gate.Rules{gate.AnyMethod: gate.Open}, http.HandlerFunc(reply.NotFound))
	m.server = listener.NewPlainServer(serverOptions(c, operators(c, &m.routes), log))
	return m
}

// open begins to listen and to serve. What ends the serving, other than by
// closing, is sent to failed.
func (m *management) open(ctx context.Context, failed chan<- error) (err error) {
	m.listener, err = listener.Listen(ctx, "management.address", m.address, "")
	if err != nil {
		return err
	}
	go func() {
		if err := m.server.Serve(m.listener); err != http.ErrServerClosed {
			failed <- fmt.Errorf("management.address %s: %w", m.address, err)
		}
	}()
	return nil
}

// where returns the address that is listened on; "" for none of its own.
func (m *management) where() string {
	if m == nil {
		return ""
	}
	return m.listener.Addr().String()
}
