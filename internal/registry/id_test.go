package registry

import (
	"slices"
	"testing"
	"time"
)

// TestIDs: they are of the known length and letters, each is new, they sort by time, and the
// time is where a ULID has it.
func TestIDs(t *testing.T) {
	var ids []string
	now := time.UnixMilli(1469918176385) // whose letters the specification shows
	if id := NewID(now); id[:10] != "01ARYZ6S41" {
		t.Errorf("the time of %s is not 01ARYZ6S41", id)
	}
	for i := range 1000 {
		ids = append(ids, NewID(now.Add(time.Duration(i)*time.Millisecond)))
	}
	if !slices.IsSorted(ids) {
		t.Error("ids do not sort by time")
	}
	if a, b := NewID(now), NewID(now); a == b {
		t.Error("two ids are the same")
	}
	for _, id := range ids {
		if len(id) != 26 || !IsID(id) {
			t.Fatalf("%s has %d letters, and is an id: %v", id, len(id), IsID(id))
		}
	}
	for _, other := range []string{"", ids[0][1:], ids[0] + "0", ids[0][1:] + "I", ids[0][1:] + "a", ids[0][1:] + "\x00"} {
		if IsID(other) {
			t.Errorf("%q is taken for an id", other)
		}
	}
}
