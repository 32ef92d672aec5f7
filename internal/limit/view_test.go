package limit

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestNewWindowView: what running requests hold is no more than what counts, for what they
// have charged may have left the window before they end.
func TestNewWindowView(t *testing.T) {
	for _, tt := range []struct{ sum, held, used, reserved int64 }{
		{0, 0, 0, 0}, {10, 0, 10, 0}, {10, 4, 6, 4}, {10, 10, 0, 10}, {10, 15, 0, 10}, {0, 15, 0, 0}, {10, -1, 10, 0},
	} {
		r := Rule{Limit: Limit{Meter: Tokens, Window: Hour, Max: 20}}
		want := WindowView{Rule: r, Used: tt.used, Reserved: tt.reserved, Reset: time.Minute}
		if diff := cmp.Diff(want, NewWindowView(r, tt.sum, tt.held, time.Minute)); diff != "" {
			t.Errorf("of %d, of which %d are held (-want +got):\n%s", tt.sum, tt.held, diff)
		}
	}
}
