package redis

import (
	"strings"
	"testing"
)

// TestReplicaID: an id may have what neither the lists nor the patterns of the scripts use.
func TestReplicaID(t *testing.T) {
	for _, id := range []string{"a", "z", "A", "Z", "0", "9", "-", "_", "gateway-7d9f_x"} {
		if _, err := (Options{Address: "x", Replica: id}).withDefaults(); err != nil {
			t.Errorf("%q: %v", id, err)
		}
	}
	for _, c := range "`{@[/: \n%.*+,é한" {
		_, err := Options{Address: "x", Replica: "a" + string(c)}.withDefaults()
		if err == nil || !strings.Contains(err.Error(), "replica id") {
			t.Errorf("an id with %q: %v, want an error", c, err)
		}
	}
}
