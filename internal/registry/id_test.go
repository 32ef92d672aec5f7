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
	if NewID(now) == NewID(now) {
		t.Error("two ids are the same")
	}
	for _, id := range ids {
		if len(id) != 26 {
			t.Fatalf("%s has %d letters", id, len(id))
		}
	}
}
