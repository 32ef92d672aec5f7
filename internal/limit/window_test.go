package limit

import (
	"testing"
	"time"
)

func TestWindowLengths(t *testing.T) {
	for w, want := range map[Window]time.Duration{Minute: time.Minute, Hour: time.Hour, Day: 24 * time.Hour} {
		if got := w.Length(); got != want {
			t.Errorf("a %s is %s long, want %s", w, got, want)
		}
	}
}
