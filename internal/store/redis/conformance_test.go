package redis

import (
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
	"github.com/token-rate-limiter/token-rate-limiter/internal/limit/limittest"
)

func TestConformance(t *testing.T) {
	limittest.Run(t, func(t *testing.T, now func() limit.Instant) limit.Store {
		if err := shared.FlushAll(); err != nil {
			t.Fatal(err)
		}
		s, err := New(t.Context(), Options{Address: shared.Addr, Now: now, Timeout: patient})
		if err != nil {
			t.Fatal(err)
		}
		return s
	})
}
