package usage

import (
	"hash/maphash"
	"sync"
)

// history keeps how long answers are, for the model and for each of a bounded
// number of users. A user's name is kept as a hash only, so that its length does
// not matter; two users whose hashes collide share a history. It is safe for
// concurrent use.
type history struct {
	seed  maphash.Seed
	max   int
	mu    sync.Mutex
	model lengths
	users map[uint64]*lengths
	ring  []*lengths // of users, for the clock
	hand  int
}

// lengths are the output lengths of one user.
type lengths struct {
	key      uint64
	used     bool // since the clock's hand last passed
	seen     int
	p90      int64
	observed quantile
}

// trusted is how many answers must have been seen before their percentile is
// believed.
const trusted = 5

func newHistory(usersMax int) *history {
	return &history{seed: maphash.MakeSeed(), max: usersMax, users: make(map[uint64]*lengths)}
}

// quantile returns the percentile of the user's output lengths, else of the
// model's; 0 where neither is known.
func (h *history) quantile(user string) int64 {
	key := maphash.String(h.seed, user)
	h.mu.Lock()
	defer h.mu.Unlock()
	if u := h.users[key]; u != nil {
		u.used = true
		if u.seen >= trusted {
			return u.p90
		}
	}
	if h.model.seen >= trusted {
		return h.model.p90
	}
	return 0
}

// learn takes the length of an answer. One that is not whole is only known to
// be at least so long: it counts where that is news.
func (h *history) learn(user string, length int64, whole bool) {
	key := maphash.String(h.seed, user)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.model.learn(length, whole)
	h.user(key).learn(length, whole)
}

// user returns the entry of a user, making room for it by dropping one that
// was not used of late. One that comes once only is the first to go, so that a
// crowd of passers-by does not displace the regulars.
func (h *history) user(key uint64) *lengths {
	if u := h.users[key]; u != nil {
		u.used = true
		return u
	}
	u := &lengths{key: key}
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
	if !whole && length < l.p90 {
		return
	}
	if !whole && l.seen == 0 {
		return // nothing to compare with: it may be far too short
	}
	l.observed.learn(length)
	l.seen++
	l.p90 = l.observed.value()
}
