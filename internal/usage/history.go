package usage

import (
	"hash/maphash"
	"slices"
	"sync"
)

// history keeps what is known of each of a bounded number of users, and how long
// answers are for the panels that they belong to. A user's name is kept as a hash
// only, so that its length does not matter; two users whose hashes collide share an
// entry. It is safe for concurrent use.
type history struct {
	seed   maphash.Seed
	max    int
	mu     sync.Mutex
	panels [panels]lengths
	load   [panels]uint32 // lessons of each panel, the older the less
	users  map[uint64]*person
	ring   []*person // of users, for the clock
	hand   int
}

// lengths are the output lengths of one user, or of a panel.
type lengths struct {
	seen     int
	p90      int64
	observed quantile
}

const (
	// trusted is how many lessons of a user must have been seen before they are
	// believed, and how many answers before their percentile is.
	trusted = 5
	// outputDoubt is the factor of the configured default within which a single
	// panel may set the output of a user who is not known.
	outputDoubt = 4
	// loadMax is how many lessons of a panel are counted before all are halved.
	loadMax = 4096
)

func newHistory(usersMax int) *history {
	return &history{seed: maphash.MakeSeed(), max: usersMax, users: make(map[uint64]*person)}
}

// look returns what is known of a user, who counts as in use from now on.
func (h *history) look(user string) known {
	key := maphash.String(h.seed, user)
	h.mu.Lock()
	defer h.mu.Unlock()
	u := h.users[key]
	if u == nil {
		return stranger
	}
	u.used = true
	return u.known()
}

// output returns what the panels say of the length of outputs, to a user of whom
// no more is known than the default.
func (h *history) output(otherwise int64) int64 {
	var j jury
	h.mu.Lock()
	defer h.mu.Unlock()
	seen := 0
	for i := range h.panels {
		if n := h.panels[i].seen; n > 0 {
			seen += n
			j.add(float64(h.panels[i].p90))
		}
	}
	if seen < trusted {
		return otherwise
	}
	j.doubt(float64(otherwise), outputDoubt)
	return int64(j.verdict(float64(otherwise)))
}

// learnOutput takes the length of an answer. One that is not whole is only known to
// be at least so long: it counts where that is news.
func (h *history) learnOutput(user string, length int64, whole bool) {
	h.change(user, func(u *person) {
		h.panels[u.panel].learn(length, whole)
		u.lengths.learn(length, whole)
	})
}

// change takes a lesson of a user, which his panel counts.
func (h *history) change(user string, with func(u *person)) {
	key := maphash.String(h.seed, user)
	h.mu.Lock()
	defer h.mu.Unlock()
	u := h.user(key)
	h.weigh(u.panel)
	with(u)
}

// join returns what is known of a user who is about to teach, and has a panel.
func (h *history) join(user string) (k known) {
	h.change(user, func(u *person) { k = u.known() })
	return k
}

// weigh counts a lesson of a panel.
func (h *history) weigh(panel uint8) {
	if h.load[panel]++; h.load[panel] < loadMax {
		return
	}
	for i := range h.load {
		h.load[i] /= 2
	}
}

// lightest returns the panel with the fewest lessons: whoever sends most has a
// panel of his own, as far as there are enough.
func (h *history) lightest() uint8 {
	at := slices.Index(h.load[:], slices.Min(h.load[:]))
	return uint8(at) // #nosec G115 -- a panel, of which there are eight
}

// user returns the entry of a user, making room for it by dropping one that
// was not used of late. One that comes once only is the first to go, so that a
// crowd of passers-by does not displace the regulars.
func (h *history) user(key uint64) *person {
	if u := h.users[key]; u != nil {
		u.used = true
		return u
	}
	u := &person{key: key, panel: h.lightest()}
	if len(h.ring) < h.max {
		h.ring = append(h.ring, u)
	} else {
		h.evict()
		*h.ring[h.hand] = *u
		u = h.ring[h.hand]
		h.hand = (h.hand + 1) % len(h.ring)
	}
	h.users[key] = u
	return u
}

// evict moves the clock's hand to an entry that was not used since it last came
// by, and forgets it.
func (h *history) evict() {
	for h.ring[h.hand].used {
		h.ring[h.hand].used = false
		h.hand = (h.hand + 1) % len(h.ring)
	}
	delete(h.users, h.ring[h.hand].key)
}

func (l *lengths) learn(length int64, whole bool) {
	if !whole && (length < l.p90 || l.seen == 0) {
		return // with nothing to compare with, it may be far too short
	}
	l.observed.learn(length)
	l.seen++
	l.p90 = l.observed.value()
}
