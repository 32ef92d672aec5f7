package httpsyntax_test

import (
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/internal/httpsyntax"
)

func TestReserved(t *testing.T) {
	for name, want := range map[string]bool{
		"Authorization": true, "api-key": true, "X-API-KEY": true, "cookie": true, "te": true, "HTTP2-Settings": true,
		"Content-Length": true, "hOST": true,
		"": false, "X-Tenant": false, "Api-Keys": false, "X-Api-Key-Id": false, "Accept": false,
		"A-Name-That-Is-Longer-Than-All-Of-Them": false,
	} {
		if got := httpsyntax.Reserved(name); got != want {
			t.Errorf("%q: %v, want %v", name, got, want)
		}
	}
}
