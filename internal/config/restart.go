package config

import "github.com/token-rate-limiter/token-rate-limiter/internal/binding"

// atStart is what cannot change while a gateway runs: these keys and all below
// them. The reference marks them, and Compare keeps what runs.
var atStart = []binding.Path{
	"server",
	"management",
	"redis",
	"token.rate-limit.store",
	"token.rate-limit.max-accounts",
	"logging.format",
	"logging.hash-users",
}

// keepAtStart gives c what running has of the settings that cannot change.
func (c *Config) keepAtStart(running *Config) {
	c.Server = running.Server
	c.Management = running.Management
	c.Redis = running.Redis
	c.RateLimit.Store = running.RateLimit.Store
	c.RateLimit.MaxAccounts = running.RateLimit.MaxAccounts
	c.Logging.Format = running.Logging.Format
	c.Logging.HashUsers = running.Logging.HashUsers
}
