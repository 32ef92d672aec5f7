package registry

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/binary"
	"strings"
	"time"
)

// crockfordLetters are those of Crockford's base 32, whose order is that of the bytes.
const crockfordLetters = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

var crockford = base32.NewEncoding(crockfordLetters)

// idBytes is the length of an id.
const idBytes = 26

// NewID returns the id of something that is created at now, 26 letters: a ULID
// (https://github.com/ulid/spec). Ids that are made in different milliseconds sort by time.
func NewID(now time.Time) string {
	var b [20]byte // four bytes of nothing, six of the time, ten of chance
	ms := now.UnixMilli()
	binary.BigEndian.PutUint64(b[2:], uint64(ms)) // #nosec G115 -- after 1970
	_, _ = rand.Read(b[10:])                      // it never fails
	return crockford.EncodeToString(b[:])[6:]
}

// IsID reports whether a text can be an id that NewID has returned. Other texts need not be looked
// up, and not every database takes each of them.
func IsID(text string) bool {
	return len(text) == idBytes && strings.Trim(text, crockfordLetters) == ""
}
