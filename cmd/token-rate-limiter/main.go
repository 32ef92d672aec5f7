// Command token-rate-limiter holds users of self-hosted language models to tokens per minute, hour
// and day. It is a gateway in front of OpenAI-compatible model servers; see the README.
package main

import (
	"os"

	"github.com/alecthomas/kong"
)

// commands is the command line.
type commands struct {
	Serve       serveCommand       `cmd:"" help:"Run the gateway."`
	Check       checkCommand       `cmd:"" help:"Validate the configuration and print it as it takes effect, with secrets masked."`
	MockVLLM    mockCommand        `cmd:"" name:"mock-vllm" help:"Run a stand-in for vLLM, for development and tests."`
	Usage       usageCommand       `cmd:"" help:"Show what a user has used, holds and has left on a model, from a running gateway."`
	Healthcheck healthcheckCommand `cmd:"" help:"Exit with 0 when a gateway is ready."`
	Key         keyCommand         `cmd:"" help:"Work with API keys."`
	User        userCommand        `cmd:"" help:"Work with names of users."`
	Version     versionCommand     `cmd:"" help:"Show the version."`
}

func main() {
	var c commands
	parser := kong.Must(&c,
		kong.Name("token-rate-limiter"),
		kong.Description("Exact token limits in front of vLLM and other OpenAI-compatible model servers."),
		kong.UsageOnError(),
	)
	ctx, err := parser.Parse(os.Args[1:])
	parser.FatalIfErrorf(err)
	ctx.FatalIfErrorf(ctx.Run())
}
