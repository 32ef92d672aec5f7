package jwt

import (
	"sync"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/identity"
)

// Bounds on what is remembered, over both generations.
const (
	rememberedMax      = 1 << 16
	rememberedBytesMax = 32 << 20
	entryBytes         = 512 // of an entry, beside its texts
	textBytes          = 16  // of a text in a list, beside its bytes
)

// remembered is a token that was verified. It is not changed.
type remembered struct {
	principal identity.Principal
	until     time.Time
	key       *Key
	bytes     int
}

// cache remembers tokens by their tags, in two generations: a young one that is full becomes
// the old one, whose tokens are forgotten unless they were asked for meanwhile. Only what issuers
// have signed comes in. The zero value is not ready: see newCache.
type cache struct {
	most, mostBytes int // of a generation

	mu         sync.RWMutex
	young, old map[tag]*remembered
	bytes      int // of the young
}

func newCache(most, mostBytes int) *cache {
	return &cache{
		most: most / 2, mostBytes: mostBytes / 2,
		young: map[tag]*remembered{}, old: map[tag]*remembered{},
	}
}

// get returns what is known of a token at a moment; nil for nothing, also where its key or its
// time has gone.
func (c *cache) get(t tag, now time.Time) *remembered {
	c.mu.RLock()
	r, young := c.young[t]
	if !young {
		r = c.old[t]
	}
	c.mu.RUnlock()
	switch {
	case r == nil:
		return nil
	case r.key.gone.Load() || !now.Before(r.until):
		c.forget(t)
		return nil
	case !young:
		c.put(t, r)
	}
	return r
}

func (c *cache) forget(t tag) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if r := c.young[t]; r != nil {
		c.bytes -= r.bytes
		delete(c.young, t)
	}
	delete(c.old, t)
}

// put remembers a token.
func (c *cache) put(t tag, r *remembered) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, there := c.young[t]; there {
		return
	}
	if len(c.young) >= c.most || c.bytes+r.bytes > c.mostBytes {
		c.old, c.young, c.bytes = c.young, map[tag]*remembered{}, 0
	}
	c.young[t] = r
	c.bytes += r.bytes
}
