package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
)

// The limits are far above what a benchmark spends: every decision is made in
// full and none is a denial. Logging is what production has.
const gatewayConfig = `server:
  address: %q
  drain-timeout: 1s
auth: {enabled: false}
logging: {level: info, format: json}
token:
  rate-limit:
    store: %s
    models:
      %s:
        max-tokens-per-minute: 1000000000000
        max-tokens-per-hour: 10000000000000
        max-tokens-per-day: 100000000000000
        max-concurrent-requests: 100000
vllm:
  services:
    %[3]s: http://%s
`

const gatewayRedis = `redis:
  host: %s
  port: %s
`

// profileFile is what the compiler optimises the gateway for, see scripts/profile.sh.
const profileFile = "cmd/token-rate-limiter/profile.pgo"

// buildGateway compiles the gateway into the bench's directory, as `make build`
// does.
func (b *bench) buildGateway(ctx context.Context) error {
	b.binary = filepath.Join(b.directory, "token-rate-limiter")
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-pgo="+profileFile, "-o", b.binary, "./cmd/token-rate-limiter")
	build.Dir = b.root
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build the gateway: %w\n%s(--gateway PATH measures a binary, --gateway none only the harness)", err, out)
	}
	return nil
}

// startGateway starts a binary of the gateway before an upstream, on the memory
// store or, if redis is not nil, on that server.
func (b *bench) startGateway(ctx context.Context, name, binary, upstream string, redis *Child) (*Child, error) {
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	config, err := renderConfig(address, upstream, redis)
	if err != nil {
		return nil, err
	}
	if b.profiles != "" && binary == b.binary {
		config += profiling
	}
	directory := filepath.Join(b.directory, name)
	if err := os.Mkdir(directory, 0o755); err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(directory, "application.yml"), []byte(config), 0o644); err != nil {
		return nil, err
	}
	return b.start(ctx, name, address, isReady(address), binary, "serve", "--config", directory)
}

// renderConfig returns an application.yml.
func renderConfig(address, upstream string, redis *Child) (string, error) {
	if redis == nil {
		return fmt.Sprintf(gatewayConfig, address, "memory", modelName, upstream), nil
	}
	host, port, err := net.SplitHostPort(redis.Address)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf(gatewayConfig, address, "redis", modelName, upstream) + fmt.Sprintf(gatewayRedis, host, port), nil
}

// isReady is a check for startChild: the gateway says that it is ready.
func isReady(address string) func(context.Context) error {
	return func(ctx context.Context) error {
		_, err := fetch(ctx, "http://"+address+"/actuator/health/readiness")
		return err
	}
}
