package registry

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/binary"
	"time"
)

// crockford is Crockford's base 32, whose order is that of the bytes.
var crockford = base32.NewEncoding("0123456789ABCDEFGHJKMNPQRSTVWXYZ")

// NewID returns the id of something that is created at now, 26 letters: a ULID
// (https://github.com/ulid/spec). Ids that are made in different milliseconds sort by time.
func NewID(now time.Time) string {
	var b [20]byte // four bytes of nothing, six of the time, ten of chance
	ms := now.UnixMilli()
	binary.BigEndian.PutUint64(b[2:], uint64(ms)) // #nosec G115 -- after 1970
	_, _ = rand.Read(b[10:])                      // it never fails
	return crockford.EncodeToString(b[:])[6:]
}
