package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"
)

// baselineRole is the first argument of a process that is the baseline. It is
// not shown to users.
const baselineRole = "reverseproxy"

// runCommand is what users run; see --help.
type runCommand struct {
	Gateway  string   `default:"build" placeholder:"PATH" help:"Binary to measure; 'build' (the default) builds ./cmd/token-rate-limiter, 'none' measures the harness alone."`
	Against  []string `placeholder:"PATH" help:"Other binaries of the gateway, such as of the commit before: they take turns with it on the memory store."`
	Quick    bool     `help:"Half a minute instead of three: less steady figures."`
	Scenario []string `default:"requests,streaming,memory,micro" enum:"requests,streaming,memory,micro,soak" help:"What to measure: requests, streaming, memory and micro unless told otherwise; soak takes minutes of its own."`
	Profile  string   `placeholder:"DIR" help:"Leaves profiles of the gateway there (CPU, heap, allocations), taken under the same load after the rounds of requests and streaming."`
	Results  string   `placeholder:"DIR" help:"Where the JSON goes (performance/results in the module)."`
	Enforce  bool     `help:"Exit with 1 if a budget was missed or a line failed."`
}

func main() {
	arguments := os.Args[1:]
	var command interface{ Run() error } = new(runCommand)
	if len(arguments) > 0 && arguments[0] == baselineRole {
		command, arguments = new(reverseProxyCommand), arguments[1:]
	}
	parser := kong.Must(command, kong.Name("bench"),
		kong.Description("Measures what the gateway costs, against httputil.ReverseProxy."))
	_, err := parser.Parse(arguments)
	parser.FatalIfErrorf(err)
	parser.FatalIfErrorf(command.Run())
}

// Run measures, prints the table and saves the figures. An interrupt ends the
// children and the run.
func (c runCommand) Run() error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	b, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer os.RemoveAll(b.directory)
	report := newReport(c.Quick)
	if err := b.run(ctx, c.Scenario, report); err != nil {
		return err
	}
	if err := report.write(os.Stdout); err != nil {
		return err
	}
	file, err := report.save(c.Results)
	if err != nil {
		return err
	}
	fmt.Fprintln(os.Stderr, "figures:", file)
	return c.judge(report)
}

// open prepares a run: directories, the plan and the gateway's binary.
func (c *runCommand) open(ctx context.Context) (*bench, error) {
	root, err := moduleRoot(ctx)
	if err != nil {
		return nil, err
	}
	if c.Results == "" {
		c.Results = filepath.Join(root, "performance", "results")
	}
	directory, err := os.MkdirTemp("", "bench-")
	if err != nil {
		return nil, err
	}
	b := &bench{root: root, directory: directory, plan: fullPlan, progress: os.Stderr}
	if c.Quick {
		b.plan = quickPlan
	}
	if b.profiles = c.Profile; b.profiles != "" {
		if err := os.MkdirAll(b.profiles, 0o755); err != nil {
			return nil, errors.Join(err, os.RemoveAll(directory))
		}
	}
	if err := c.prepare(ctx, b); err != nil {
		return nil, errors.Join(err, os.RemoveAll(directory))
	}
	return b, nil
}

// prepare finds the binaries, and builds the gateway if need be.
func (c *runCommand) prepare(ctx context.Context, b *bench) error {
	for _, path := range c.Against {
		binary, err := existing(path)
		if err != nil {
			return err
		}
		b.others = append(b.others, binary)
	}
	return c.prepareGateway(ctx, b)
}

func (c *runCommand) prepareGateway(ctx context.Context, b *bench) error {
	switch c.Gateway {
	case "build":
		return b.buildGateway(ctx)
	case "none":
		return nil
	}
	var err error
	b.binary, err = existing(c.Gateway)
	return err
}

// existing returns the absolute path of a file that is there.
func existing(path string) (string, error) {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	_, err = os.Stat(absolute)
	return absolute, err
}

// judge returns an error if budgets are enforced and not kept.
func (c *runCommand) judge(report *Report) error {
	if bad := report.count(verdictMissed, verdictFailed); c.Enforce && bad > 0 {
		return fmt.Errorf("%d lines missed their budget or failed", bad)
	}
	return nil
}

// moduleRoot returns the directory of the module that the command is run in.
func moduleRoot(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("go env GOMOD: %w", err)
	}
	file := strings.TrimSpace(string(out))
	if filepath.Base(file) != "go.mod" {
		return "", errors.New("run the benchmarks inside the module")
	}
	return filepath.Dir(file), nil
}
