package jwt

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
)

// KeySet is the keys of one issuer, as they are known at the moment. The zero value knows none yet.
// It is safe for concurrent use, but for Missed, which is set before.
type KeySet struct {
	// Missed is told of a token whose key is not known, and reports whether that key may become
	// known, because keys will be fetched or could not be. It waits for nothing. nil: never.
	Missed func(token string) bool

	mu      sync.Mutex // held by Replace
	current atomic.Pointer[[]*Key]
}

// NewKeySet returns a set that has these keys.
func NewKeySet(keys ...*Key) *KeySet {
	s := &KeySet{}
	s.Replace(keys)
	return s
}

// Copy returns a set that begins with what is known in this one. It has no Missed.
func (s *KeySet) Copy() *KeySet {
	c := &KeySet{}
	c.current.Store(s.current.Load())
	return c
}

// Known reports whether the keys were known at any time. They stay until others take their place.
func (s *KeySet) Known() bool { return s.current.Load() != nil }

// Replace makes these the keys of the set, and returns how many are new and have gone. What
// was verified with a key that is among them stays so.
func (s *KeySet) Replace(keys []*Key) (added, removed int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var before []*Key
	if p := s.current.Load(); p != nil {
		before = *p
	}
	next := make([]*Key, 0, len(keys))
	for _, k := range keys {
		same := func(x *Key) bool { return x.sum == k.sum }
		if slices.ContainsFunc(next, same) {
			continue // it is published twice
		}
		if i := slices.IndexFunc(before, same); i >= 0 {
			k = before[i]
		} else {
			added++
		}
		next = append(next, k)
	}
	s.current.Store(&next)
	for _, k := range before { // after the others can be found
		if !slices.Contains(next, k) {
			k.gone.Store(true)
			removed++
		}
	}
	return added, removed
}

// candidatesMax is how many keys one signature is tried with at most. Only keys without a name
// are more than one.
const candidatesMax = 4

// find returns the keys that may have signed a token which names one, or none (""). A key without a
// name is tried whatever the token says.
func (s *KeySet) find(id string, a Algorithm) (found []*Key) {
	for _, k := range *s.current.Load() {
		if (id == "" || k.id == "" || k.id == id) && k.Fits(a) {
			found = append(found, k)
		}
	}
	return found
}

// missed tells that the key of a token is not known.
func (s *KeySet) missed(token string) (comes bool) { return s.Missed != nil && s.Missed(token) }

// CheckKeys refuses keys of which a token that names none could not be verified: more than four
// without a name for one algorithm, and one without a name beside one that has a name.
func CheckKeys(keys []*Key, algorithms []Algorithm) error {
	for _, a := range algorithms {
		named, unnamed := 0, 0
		for _, k := range keys {
			switch {
			case !k.Fits(a):
			case k.named():
				named++
			default:
				unnamed++
			}
		}
		switch {
		case unnamed > candidatesMax:
			return fmt.Errorf("has %d keys without a name for %s, and at most %d are tried",
				unnamed, a, candidatesMax)
		case named > 0 && unnamed > 0:
			return fmt.Errorf("has keys with a name and without one for %s", a)
		}
	}
	return nil
}
