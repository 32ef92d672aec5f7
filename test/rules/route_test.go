package rules_test

import (
	"go/ast"
	"testing"
)

// TestRoutesHaveRules: what a gateway serves is registered with gate.Mux, which wants a rule. The
// others are no gateways, or the gate itself.
func TestRoutesHaveRules(t *testing.T) {
	others := map[string]bool{"internal/gate": true, "internal/mockvllm": true, "internal/apptest": true}
	seen := 0
	for _, p := range packages(t) {
		for _, f := range p.files {
			ast.Inspect(f.syntax, func(n ast.Node) bool {
				s, ok := n.(*ast.SelectorExpr)
				if !ok {
					return true
				}
				if of, ok := s.X.(*ast.Ident); ok && of.Name == "http" {
					switch s.Sel.Name {
					case "ServeMux", "NewServeMux", "DefaultServeMux", "Handle", "HandleFunc":
						seen++
						if !others[p.folder] {
							t.Errorf("%s/%s uses http.%s: register routes with gate.Mux, each with its rule", p.folder, f.name, s.Sel.Name)
						}
					}
				}
				return true
			})
		}
	}
	if seen == 0 {
		t.Error("not even the gate has a mux: the test sees nothing")
	}
}
