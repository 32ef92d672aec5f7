package catalog

import (
	"testing"
	"time"
)

func TestQuirksAreForgotten(t *testing.T) {
	var q Quirks
	now := time.Unix(1_000_000_000, 0)
	if got := q.At(now); got != (Quirk{}) {
		t.Errorf("of a new server %+v is known", got)
	}
	found := Quirk{Asked: TotalOnly, Silent: true}
	q.Remember(found, now)
	if got := q.At(now.Add(quirkLife - 1)); got != found {
		t.Errorf("%+v is remembered, want %+v", got, found)
	}
	if got := q.At(now.Add(quirkLife)); got != (Quirk{}) {
		t.Errorf("%+v is remembered for too long", got)
	}
}
