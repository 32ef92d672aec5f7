package config

import (
	"fmt"

	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
)

// RateLimit is the section token.rate-limit.
type RateLimit struct {
	Store       Store // StoreMemory or StoreRedis: Load resolves StoreAuto
	MaxAccounts int64 // accounts kept in memory
	Settings          // what a model without its own inherits
	Defaults    Model // the entry of served models that have none of their own
	// Models has an entry for each served model with limits of its own, inheritance resolved.
	Models map[string]Model
}

// Settings is how a model's limits are applied.
type Settings struct {
	Reserve              Reserve
	Overrun              Overrun
	MaxDebt              float64 // times the limit; 0 to 100
	DefaultOutputTokens  int64   // until something is learned
	InputEstimate        InputEstimate
	ImageTokens          int64   // price of an image
	AudioTokensPerSecond float64 // price of a second of audio
	OnStoreFailure       string  // what becomes of requests while the store is away: failClosed
}

// Model is the limits of one model and how they are applied.
type Model struct {
	Settings
	User  Limits // of each user on the model
	Total Limits // of the model over all its users and all replicas
}

// Limits is what limits one subject. A meter and window that are absent are not limited.
type Limits struct {
	Windows    []limit.Limit // in the order of their keys in the reference
	Concurrent *int64        // requests that may run at once; nil: any number
}

// Any reports whether anything is limited.
func (l Limits) Any() bool { return len(l.Windows) > 0 || l.Concurrent != nil }

// Check returns what is wrong with l that does not come from files, or nil. Maxima of windows
// are for limit.NewPolicy to check.
func (l Limits) Check() error {
	if l.Concurrent != nil && *l.Concurrent < 0 {
		return fmt.Errorf("the maximum of concurrent requests is %d: make it 0 or more, "+
			"or leave it out for any number", *l.Concurrent)
	}
	return nil
}

func defaultSettings() Settings {
	return Settings{
		Reserve:              ReserveExpected,
		Overrun:              OverrunDebt,
		MaxDebt:              1,
		DefaultOutputTokens:  256,
		InputEstimate:        EstimateLearned,
		ImageTokens:          1024,
		AudioTokensPerSecond: 25,
		OnStoreFailure:       failClosed,
	}
}

func defaultRateLimit() RateLimit {
	return RateLimit{
		Store:       StoreAuto,
		MaxAccounts: 1_000_000,
		Settings:    defaultSettings(),
		Defaults:    Model{Settings: defaultSettings()},
		Models:      map[string]Model{},
	}
}
