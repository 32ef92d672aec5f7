package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"slices"
	"strings"

	"github.com/token-rate-limiter/token-rate-limiter/internal/app"
	"github.com/token-rate-limiter/token-rate-limiter/internal/config"
	"github.com/token-rate-limiter/token-rate-limiter/internal/telemetry"
)

// configFlags say where the configuration is.
type configFlags struct {
	Config  string `default:"configs" placeholder:"DIR" help:"Folder of application.yml and application-<profile>.yml (${default})."`
	Profile string `placeholder:"NAME" help:"Profile laid over application.yml; else PROFILE, then SPRING_PROFILES_ACTIVE."`
}

func (f configFlags) load() (*config.Config, error) {
	return config.Load(config.Options{Dir: f.Config, Profile: f.Profile})
}

type serveCommand struct {
	configFlags
	Address string `placeholder:"HOST:PORT" help:"Address to listen on, in place of server.address."`
}

// Run runs the gateway until it is told to end. The first SIGINT or SIGTERM lets
// running requests finish; a second one cuts them off. Either way they are
// settled, and the exit code is 0.
func (c *serveCommand) Run() error {
	outliveReaders()
	outliveHangup()
	cfg, err := c.load()
	if err != nil {
		return err
	}
	if c.Address != "" {
		changed := *cfg
		changed.Server.Address = c.Address
		cfg = &changed
	}
	lines := telemetry.NewBuffer(os.Stderr)
	defer lines.Flush()
	log := newLogger(lines, cfg.Logging)
	if cfg.Auth.Enabled && len(cfg.Auth.APIKeys) == 0 {
		log.Warn("authentication is on and there is no API key, so every request is answered with 401; " +
			"make a key with: openssl rand -hex 32; hash it with: token-rate-limiter key hash; and list the hash in auth.api-keys")
	}
	ctx, end := context.WithCancel(context.Background())
	defer end()
	hurry, endNow := context.WithCancel(context.Background())
	defer endNow()
	defer onSignals(end, endNow)()
	a, err := app.New(ctx, app.Options{Config: cfg, Log: log, Build: build(), Hurry: hurry.Done()})
	if err != nil {
		return err
	}
	return a.Run(ctx, func(address string) {
		if !cfg.Auth.Enabled && !isLoopback(address) {
			log.Warn("authentication is off, and the gateway listens beyond this machine: everybody who reaches it is admin",
				"address", address)
		}
		if model := mockModel(cfg); model != "" {
			fmt.Print(welcome(address, model)) // of the profile dev, which has no TLS
		}
	})
}

// isLoopback reports whether only this machine reaches an address.
func isLoopback(address string) bool {
	a, err := netip.ParseAddrPort(address)
	return err == nil && a.Addr().IsLoopback()
}

// mockModel returns a model that a mock in this process serves, the last by
// name; "" if there is none.
func mockModel(cfg *config.Config) (model string) {
	for name, service := range cfg.Services {
		if slices.Contains(service.Endpoints, config.MockEndpoint) {
			model = max(model, name)
		}
	}
	return model
}

func newLogger(w io.Writer, c config.Logging) *slog.Logger {
	levels := map[config.LogLevel]slog.Level{
		config.LevelDebug: slog.LevelDebug, config.LevelInfo: slog.LevelInfo,
		config.LevelWarn: slog.LevelWarn, config.LevelError: slog.LevelError,
	}
	return telemetry.NewLogger(w, telemetry.LogOptions{
		Level: levels[c.Level], Text: c.Format == config.FormatText, HashUsers: c.HashUsers,
	})
}

// welcome returns what a developer can try at once with a mock model.
func welcome(address, model string) string {
	if a, err := netip.ParseAddrPort(address); err == nil && a.Addr().IsUnspecified() {
		address = netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), a.Port()).String()
	}
	return strings.NewReplacer("ADDRESS", address, "MODEL", model).Replace(`
The gateway is ready, with mock models in the same process. Try:

  curl -iN http://ADDRESS/v1/chat/completions -H 'Content-Type: application/json' -H 'X-User-ID: alice' \
    -d '{"model":"MODEL","stream":true,"messages":[{"role":"user","content":"Hello, who are you?"}]}'

  curl -s http://ADDRESS/api/v1/admin/token-usage/MODEL/alice

Send the first one until it is answered with 429 (about ten times within a minute), wait as long as it says, and go on.
End with Ctrl-C.

`)
}

type checkCommand struct{ configFlags }

// Run validates the configuration and the files that it names, and prints it.
func (c *checkCommand) Run() error {
	cfg, err := c.load()
	if err != nil {
		return err
	}
	if err := app.Check(cfg); err != nil {
		return err
	}
	return cfg.WriteYAML(os.Stdout)
}
