package config

import (
	"io"

	"github.com/token-rate-limiter/token-rate-limiter/internal/binding"
)

// WriteYAML writes the effective configuration with secrets masked, defaults included. What it
// writes loads again to the same Config, once the masks are replaced.
func (c *Config) WriteYAML(w io.Writer) error {
	_, err := io.WriteString(w, c.Masked())
	return err
}

// Masked returns what WriteYAML writes. It is safe for concurrent use.
func (c *Config) Masked() string { return binding.Print(c.schema().Encode()) }

// Profiles returns the profile that was laid over application.yml, as a list; empty for none.
func (c *Config) Profiles() []string {
	if c.Profile == "" {
		return []string{}
	}
	return []string{c.Profile}
}

// Properties returns what WriteYAML writes as a value for each key, written as a Spring application
// names it (token.rate-limit.models.gpt-4.max-tokens-per-minute, auth.api-keys[0].name): text, an
// int64, a float64 or a bool; "" for an empty list. It is safe for concurrent use.
func (c *Config) Properties() map[string]any { return binding.Flat(c.schema().Encode()) }
