package registry

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"
)

// Record is a change, for the audit.
type Record struct {
	Revision int64
	At       time.Time
	Act
	Action string // such as "key.create"
	Object string // the id of what was changed
	Before string // JSON; "" where it was not there
	After  string // JSON
	Sum    Hash   // over the record and the sum of the one before
}

// Chain returns the sum as the next record's is made of it; "" of the zero Record, which is
// before the first.
func (r *Record) Chain() string {
	if r.Revision == 0 {
		return ""
	}
	return hex.EncodeToString(r.Sum[:])
}

// SumAfter returns the sum over r and that of the record before, as its Chain tells it. A text
// is told from the next one by its length.
func (r *Record) SumAfter(before string) Hash {
	h := sha256.New()
	fmt.Fprintf(h, "%d %d\n", r.Revision, r.At.UnixMicro())
	for _, text := range []string{
		before, r.Actor, r.Credential, r.RequestID, r.Reason, r.Action, r.Object, r.Before, r.After,
	} {
		fmt.Fprintf(h, "%d %s\n", len(text), text)
	}
	return Hash(h.Sum(nil))
}

// Verify checks that records follow from each other and from the one before them, the zero
// Record for the first that there is. It names the first that does not.
func Verify(before Record, list []Record) error {
	for i := range list {
		r := &list[i]
		if r.SumAfter(before.Chain()) != r.Sum {
			return fmt.Errorf("the audit record of revision %d, or the one before it, "+
				"is not as it was written", r.Revision)
		}
		before = *r
	}
	return nil
}
