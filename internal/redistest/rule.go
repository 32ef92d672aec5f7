package redistest

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// GatewayUser and GatewayPassword are of the user that Allow makes.
const (
	GatewayUser     = "gateway"
	GatewayPassword = "gateways-own-password"
)

// ruleStart is what the rule begins with in the document.
const ruleStart = "redis-cli ACL SETUSER gateway on '>a-long-password' "

// Rule returns the rights that the operators' document says a gateway needs, as
// arguments of ACL SETUSER.
func Rule() ([]string, error) {
	_, file, _, _ := runtime.Caller(0)
	b, err := os.ReadFile(filepath.Join(filepath.Dir(file), "../../docs/operations.md"))
	if err != nil {
		return nil, err
	}
	for line := range strings.Lines(string(b)) {
		if rule, ok := strings.CutPrefix(line, ruleStart); ok {
			return strings.Fields(strings.ReplaceAll(rule, "'", "")), nil
		}
	}
	return nil, fmt.Errorf("docs/operations.md has no line that begins with %q", ruleStart)
}

// Allow makes GatewayUser anew, who may do what the document says a gateway needs,
// changed by further rules, such as "-hdel".
func (s *Server) Allow(more ...string) error {
	rule, err := Rule()
	if err != nil {
		return err
	}
	user := []string{"ACL", "SETUSER", GatewayUser, "reset", "on", ">" + GatewayPassword}
	_, err = s.Do(slices.Concat(user, rule, more)...)
	return err
}
