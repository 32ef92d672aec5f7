package main

import (
	"fmt"
	"runtime"

	"github.com/token-rate-limiter/token-rate-limiter/internal/admin"
)

// version and commit are set when a release is built.
var (
	version = "dev"
	commit  = "unknown"
)

func build() admin.Build {
	return admin.Build{Version: version, Commit: commit, Go: runtime.Version()}
}

type versionCommand struct{}

// Run prints what this binary was built from.
func (c *versionCommand) Run() error {
	b := build()
	fmt.Printf("token-rate-limiter %s (commit %s, %s)\n", b.Version, b.Commit, b.Go)
	return nil
}
