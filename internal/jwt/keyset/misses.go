package keyset

import "hash/maphash"

// missesMax is how many tokens are remembered between two questions. Those beyond are told that
// their keys may come.
const missesMax = 1 << 12

// misses remembers tokens whose keys are not known, by sums under a seed of the process. Whether
// the key of a token is absent is said of that token alone, and only after a question that began
// later than it came: nobody can have the token of another refused.
type misses struct {
	seed   maphash.Seed
	next   map[uint64]struct{} // the next question is for them
	asked  map[uint64]struct{} // the question that is under way is
	absent map[uint64]struct{} // the last answer was, and had not their keys
}

func newMisses() misses {
	return misses{seed: maphash.MakeSeed(), asked: map[uint64]struct{}{}}
}

// isAbsent reports whether an answer to a question for the token had not its key.
func (m *misses) isAbsent(token string) bool {
	_, is := m.absent[maphash.String(m.seed, token)]
	return is
}

// add has the next question be for the token too.
func (m *misses) add(token string) {
	if m.next == nil {
		m.next = map[uint64]struct{}{}
	}
	if len(m.next) < missesMax {
		m.next[maphash.String(m.seed, token)] = struct{}{}
	}
}

// ask begins a question. Those of a question that had no answer are asked for again.
func (m *misses) ask() {
	for sum := range m.next {
		if len(m.asked) < missesMax {
			m.asked[sum] = struct{}{}
		}
	}
	m.next = nil
}

// answered ends a question whose answer is known.
func (m *misses) answered() {
	m.absent, m.asked = m.asked, map[uint64]struct{}{}
}
