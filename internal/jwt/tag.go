package jwt

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"sync"
)

// tag stands for a token in memory: nobody outside of the process can make two tokens of one tag.
type tag [16]byte

// tagger makes tags. It is safe for concurrent use.
//
// A tag is the GMAC of the token (NIST SP 800-38D) under a key that is made at random and never
// leaves the process, and always with one nonce. That keeps tags apart as long as nobody sees one:
// two texts have one tag for at most 2^9 keys of 2^128. SHA-256 would do as well, and takes
// several times as long where the processor has no instructions for it.
type tagger struct {
	mac  cipher.AEAD
	room sync.Pool // of *tagging
}

// tagging is what making one tag needs.
type tagging struct {
	nonce [12]byte
	text  [TokenBytesMax]byte
	tag   tag
}

func newTagger() *tagger {
	var key [16]byte
	_, _ = rand.Read(key[:]) // it never fails
	block, err := aes.NewCipher(key[:])
	if err != nil {
		panic(err) // the key has the right length
	}
	mac, err := cipher.NewGCM(block)
	if err != nil {
		panic(err) // AES has the right block
	}
	return &tagger{mac: mac, room: sync.Pool{New: func() any { return new(tagging) }}}
}

// of returns the tag of a token of at most TokenBytesMax bytes.
func (g *tagger) of(token string) tag {
	t, _ := g.room.Get().(*tagging)
	n := copy(t.text[:], token)
	g.mac.Seal(t.tag[:0], t.nonce[:], nil, t.text[:n]) // #nosec G407 -- see tagger
	found := t.tag
	clear(t.text[:n])
	g.room.Put(t)
	return found
}
