package usage

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestWhoIsForgotten: where there is room for three users, whoever has come once goes in
// the order in which they came, and not before those whose names have been seen again.
func TestWhoIsForgotten(t *testing.T) {
	for _, tt := range []struct{ name, come, kept string }{
		{"as many as there is room for", "a b c", "a b c"},
		{"the first who came", "a b c d", "b c d"},
		{"then the second", "a b c d e", "c d e"},
		{"all, one after the other", "a b c d e f g", "e f g"},
		{"not who teaches again", "a b c a d", "a c d"},
		{"nor who asks", "a b c a? d", "a c d"},
		{"but who does neither any more", "a b c a d e f", "d e f"},
		{"all have been seen again", "a b c c b a d", "b c d"},
		{"and none of them was since", "a b c c b a d e", "c d e"},
	} {
		h := newHistory(3)
		for _, user := range strings.Fields(tt.come) {
			if name, asks := strings.CutSuffix(user, "?"); asks {
				h.look(name)
			} else {
				h.learnOutput(name, 10, true)
			}
		}
		var kept []string
		for _, user := range strings.Split("a b c d e f g", " ") {
			if h.look(user) != stranger {
				kept = append(kept, user)
			}
		}
		if diff := cmp.Diff(strings.Fields(tt.kept), kept); diff != "" {
			t.Errorf("%s: of %s are kept (-want +got):\n%s", tt.name, tt.come, diff)
		}
	}
}

// panelOf has a user teach so often, and returns his panel.
func panelOf(h *history, user string, lessons int) int {
	for range lessons {
		h.learnOutput(user, 10, true)
	}
	return h.look(user).panel
}

// TestPanelsShareTheUsers: a user who comes joins the panel with the fewest lessons, so that
// whoever sends most has one for himself, and the others are shared evenly.
func TestPanelsShareTheUsers(t *testing.T) {
	h := newHistory(1000)
	busy := panelOf(h, "busy", 1000)
	others := map[int]int{}
	for i := range 10 * (panels - 1) {
		others[panelOf(h, fmt.Sprint(i), 1)]++
	}
	if len(others) != panels-1 || others[busy] > 0 {
		t.Errorf("the panel of the busiest is %d, and the others are in %v", busy, others)
	}
	for panel, n := range others {
		if n != 10 {
			t.Errorf("panel %d has %d of them, want 10", panel, n)
		}
	}
}

// TestLessonsOfPanelsFade: a panel whose users have taught much, long ago, is joined before
// those that have been taught less, but lately.
func TestLessonsOfPanelsFade(t *testing.T) {
	h := newHistory(1000)
	before := panelOf(h, "busy before", 3*loadMax)
	panelOf(h, "busy now", 3*loadMax)
	for i := range panels - 2 {
		panelOf(h, fmt.Sprint(i), loadMax/10)
	}
	if got := panelOf(h, "new", 1); got != before {
		t.Errorf("who comes now joins panel %d, want %d: %v", got, before, h.load)
	}
}
