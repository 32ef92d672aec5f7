package main

import (
	"context"
	"errors"
	"fmt"
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
	Config  string `default:"configs" placeholder:"DIR" help:"${config}"`
	Profile string `placeholder:"NAME" help:"${profile}"`
}

func (f configFlags) source() config.Options {
	return config.Options{Dir: f.Config, Profile: f.Profile, Check: app.CheckFiles}
}

// load reads the configuration and the variables beside it, and tells all that is wrong at once.
func (f configFlags) load(source config.Options) (*config.Config, error) {
	cfg, err := config.Load(source)
	if err = errors.Join(err, app.CheckVariables(context.Background())); err != nil {
		return nil, err
	}
	return cfg, nil
}

type serveCommand struct {
	configFlags
	Address string `placeholder:"HOST:PORT" help:"${address}"`
}

// Run runs the gateway until it is told to end. The first SIGINT or SIGTERM lets running requests
// finish; a second one cuts them off. Either way they are settled, and the exit code is 0.
func (c *serveCommand) Run() error {
	outliveReaders()
	hangups := outliveHangup()
	source := c.source()
	source.Address = c.Address
	cfg, err := c.load(source)
	if err != nil {
		return err
	}
	var log *slog.Logger
	lines := telemetry.NewBuffer(os.Stderr, func(n int) {
		log.Warn("lines of the log were lost, because nobody took them", "lines", n)
	})
	defer lines.Flush()
	level := new(slog.LevelVar)
	log = telemetry.NewLogger(lines, telemetry.LogOptions{
		Level: level, HashUsers: cfg.Logging.HashUsers,
		Text: cfg.Logging.Format == config.FormatText,
	})
	ctx, end := context.WithCancel(context.Background())
	defer end()
	hurry, endNow := context.WithCancel(context.Background())
	defer endNow()
	defer onSignals(end, endNow)()
	a, err := app.New(ctx, app.Options{
		Config: cfg, Files: &source, Log: log, Level: level, LostLines: lines.Lost,
		Build: build(), Hurry: hurry.Done(),
	})
	if err != nil {
		return err
	}
	go func() {
		for range hangups {
			a.Reload()
		}
	}()
	return a.Run(ctx, func(address string) {
		fmt.Print(welcome(cfg, address))
	})
}

// mockModel returns the last by name of the models that a mock here serves; "" for none.
func mockModel(cfg *config.Config) (model string) {
	for name, service := range cfg.Services {
		if slices.Contains(service.Servers, config.MockServer) {
			model = max(model, name)
		}
	}
	return model
}

// welcome returns what a developer can try at once with a mock model, if neither a key nor
// an authority to trust is needed for that.
func welcome(cfg *config.Config, address string) string {
	model := mockModel(cfg)
	if model == "" || cfg.Auth.Enabled || cfg.Server.TLS.Certificate != "" {
		return ""
	}
	if a, err := netip.ParseAddrPort(address); err == nil && a.Addr().IsUnspecified() {
		address = netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), a.Port()).String()
	}
	denied := ""
	if len(cfg.RateLimit.Models[model].User.Windows) > 0 {
		denied = "Send the first one until it is answered with 429 " +
			"(in the profile dev about ten times within a minute), " +
			"wait as long as it says, and go on.\n"
	}
	return strings.NewReplacer("ADDRESS", address, "MODEL", model, "DENIED", denied,
		"JSON", "-H 'Content-Type: application/json'",
		"HELLO", `"content":"Hello, who are you?"`).Replace(`
The gateway is ready, with mock models in the same process. Try:

  curl -iN http://ADDRESS/v1/chat/completions JSON -H 'X-User-ID: alice' \
    -d '{"model":"MODEL","stream":true,"messages":[{"role":"user",HELLO}]}'

  curl -s http://ADDRESS/api/v1/admin/token-usage/MODEL/alice

DENIEDEnd with Ctrl-C.

`)
}

type checkCommand struct{ configFlags }

// Run validates the configuration and the files that it names, and prints it. What is
// probably not meant is told on standard error, and is no failure.
func (c *checkCommand) Run() error {
	cfg, err := c.load(c.source())
	if err != nil {
		return err
	}
	for _, w := range cfg.Warnings {
		fmt.Fprintln(os.Stderr, "warning:", w)
	}
	return cfg.WriteYAML(os.Stdout)
}
