package catalog

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
)

// PolicyText is what every answer says of a policy in its header fields. It is made once, shared,
// and must not be changed. The zero value is that of a policy without rules.
type PolicyText struct {
	Policy []string   // the value of RateLimit-Policy
	Rules  []RuleText // one for each rule, in their order
}

// RuleText is what every answer says of a rule.
type RuleText struct {
	Max []string // the value of the field that tells the maximum
	// Item is how the rule begins in the list that is RateLimit's value: with what
	// parts it from the rule before, up to the number that remains.
	Item string
}

// structuredMax is the largest integer of a structured field (RFC 9651, section 3.3.1).
// Clients drop a whole field that has a larger one.
const structuredMax = 999_999_999_999_999

// Structured returns n, which is not negative, as a structured field may tell it: what
// is beyond the largest integer is told as that.
func Structured(n int64) int64 { return min(n, structuredMax) }

// newPolicyText renders a policy, as structured fields (RFC 9651) have it.
func newPolicyText(p *limit.Policy) PolicyText {
	if p == nil || len(p.Rules()) == 0 {
		return PolicyText{}
	}
	var t PolicyText
	var policy strings.Builder
	comma := ""
	for i := range p.Rules() {
		r := &p.Rules()[i]
		item := fmt.Sprintf(`%s"%s-%s-%s"`, comma, r.Scope, r.Meter, r.Window)
		fmt.Fprintf(&policy, "%s;q=%d;w=%d", item, Structured(r.Max), r.Window.Length()/time.Second)
		most := []string{strconv.FormatInt(r.Max, 10)}
		t.Rules = append(t.Rules, RuleText{Max: most, Item: item + ";r="})
		comma = ", "
	}
	t.Policy = []string{policy.String()}
	return t
}
