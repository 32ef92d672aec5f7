package reload

import (
	"fmt"

	"github.com/token-rate-limiter/token-rate-limiter/internal/apptest"
)

const (
	// narrow is a limit of tokens that answers are stopped at.
	narrow = 120
	wide   = 1_000_000_000
	// visitor is a model that is not always served.
	visitor = "visitor"
)

// patient keeps a model server in use on a machine that is so busy that it seems
// to be away.
const patient = "breaker-failures: 0, health-interval: 1h"

// site is what all configurations have in common.
type site struct {
	mock  string // address of the model server
	redis string // the section redis; empty for memory
}

// configuration returns the nth of the configurations.
func (s site) configuration(n int) string {
	limits := []string{
		fmt.Sprintf("max-tokens-per-day: %d, max-debt: 2", wide+n),
		fmt.Sprintf("max-tokens-per-day: %d, overrun: stop", narrow),
		fmt.Sprintf("max-tokens-per-day: %d, max-input-tokens-per-hour: %d, max-output-tokens-per-minute: %d, "+
			"max-requests-per-day: %d, max-concurrent-requests: 1000, max-concurrent-requests-per-user: 100", wide+n, wide, wide, wide),
	}[n%3]
	limits = fmt.Sprintf("{%s, default-output-tokens: %d, total: {max-tokens-per-day: %d}}", limits, 100+n%7, 2*wide)
	models, services := "", ""
	if serves(n) {
		models = fmt.Sprintf("      %s: %s\n", visitor, limits)
		services = fmt.Sprintf("    %s: {served-as: %s, connect-timeout: 31s, allow-fields: [mock], %s, endpoints: [%q]}\n", visitor, apptest.Model, patient, s.mock)
	}
	return fmt.Sprintf(`server: {address: "127.0.0.1:0"}
auth: {enabled: false}
%s
token:
  rate-limit:
    models:
      %s: %s
%svllm:
  services:
    %s: {context-length: %d, connect-timeout: 30s, allow-fields: [mock], %s, endpoints: [%q]}
%s`, s.redis, apptest.Model, limits, models, apptest.Model, 10000+n, patient, s.mock, services)
}

// serves reports whether the nth configuration serves the visitor.
func serves(n int) bool { return n%2 == 0 }
