package limit

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestResetDecision: nothing of the decision before is left.
func TestResetDecision(t *testing.T) {
	d := Decision{Admitted: true, Violations: make([]Violation, 2), Full: make([]Gauge, 1), Standings: make([]Standing, 3), At: 7}
	d.Reset(9)
	if diff := cmp.Diff(Decision{Violations: []Violation{}, Full: []Gauge{}, Standings: []Standing{}, At: 9}, d); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
