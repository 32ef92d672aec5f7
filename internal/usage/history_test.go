package usage

import "testing"

// TestUsersWhoTeachStay: whoever teaches a second time is in use, and not the first to be
// forgotten where there is room for no more.
func TestUsersWhoTeachStay(t *testing.T) {
	h := newHistory(2)
	for _, user := range []string{"alice", "bob", "alice", "carol"} {
		h.learnOutput(user, 10, true)
	}
	for user, want := range map[string]bool{"alice": true, "bob": false, "carol": true} {
		if got := h.look(user) != stranger; got != want {
			t.Errorf("%s is known: %t, want %t", user, got, want)
		}
	}
}
