package catalog

import (
	"testing"
	"time"
)

func TestQuirksAreForgotten(t *testing.T) {
	var q Quirks
	now := time.Unix(1_000_000_000, 0)
	if got := q.At("a:8000", "m", now); got != (Quirk{}) || q.Any() {
		t.Errorf("of a new server %+v is known", got)
	}
	found := Quirk{Asked: TotalOnly, Silent: true}
	q.Remember("a:8000", "m", found, now)
	if got := q.At("a:8000", "m", now.Add(quirkLife-1)); got != found || !q.Any() {
		t.Errorf("%+v is remembered, want %+v", got, found)
	}
	if got := q.At("a:8000", "m", now.Add(quirkLife)); got != (Quirk{}) {
		t.Errorf("%+v is remembered for too long", got)
	}
}

// TestQuirksAreOfServers: each is of a server, and of what it serves; what is out of
// date leaves nothing.
func TestQuirksAreOfServers(t *testing.T) {
	var q Quirks
	now := time.Unix(1_000_000_000, 0)
	q.Remember("a:8000", "m", Quirk{Silent: true}, now)
	q.Remember("b:8000", "m", Quirk{Asked: AskNothing}, now.Add(quirkLife/2))
	for _, tt := range []struct {
		server, servedAs string
		want             Quirk
	}{
		{"a:8000", "m", Quirk{Silent: true}}, {"b:8000", "m", Quirk{Asked: AskNothing}}, {"a:8000", "other", Quirk{}}, {"c:8000", "m", Quirk{}},
	} {
		if got := q.At(tt.server, tt.servedAs, now.Add(quirkLife/2)); got != tt.want {
			t.Errorf("of %s at %s %+v is known, want %+v", tt.servedAs, tt.server, got, tt.want)
		}
	}
	q.Remember("b:8000", "m", Quirk{Asked: TotalOnly}, now.Add(quirkLife))
	if got := q.At("b:8000", "m", now.Add(quirkLife)); got != (Quirk{Asked: TotalOnly}) {
		t.Errorf("%+v is known, want what was found out last", got)
	}
	if n := len(*q.known.Load()); n != 1 {
		t.Errorf("%d quirks are kept, want the one that is not out of date", n)
	}
}
