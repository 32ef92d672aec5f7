package app

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/token-rate-limiter/token-rate-limiter/internal/config"
	"github.com/token-rate-limiter/token-rate-limiter/internal/upstream"
)

// Check reads the files that a configuration names, and returns an error for
// every one that New could not use. It connects to nothing.
func Check(c *config.Config) error {
	var errs []error
	if c.Server.TLS.Enabled() {
		_, _, err := lookAt(c.Server.TLS)
		errs = append(errs, err)
	}
	if c.Redis != nil {
		_, err := redisTLS(c.Redis)
		errs = append(errs, err)
	}
	for _, name := range slices.Sorted(maps.Keys(c.Services)) {
		if file := c.Services[name].CAFile; file != "" {
			if _, err := upstream.ReadRoots(file); err != nil {
				errs = append(errs, fmt.Errorf("the model %s: ca-file: %w", name, err))
			}
		}
	}
	return errors.Join(errs...)
}
