package registry

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"time"
)

// The actions of changes, as the audit has them.
const (
	ActionCreate = "key.create"
	ActionUpdate = "key.update"
	ActionRotate = "key.rotate"
	ActionRevoke = "key.revoke"
	// ActionReset is of an account, whose object is "MODEL/USER". It is kept before the account
	// is reset, which is not in the database.
	ActionReset = "account.reset"
	// ActionFree is of a replica's running slots, whose object is the replica's id. It is kept
	// before they are freed.
	ActionFree = "slots.free"
)

// What follows the kind of an object, and a point, in the actions of its changes.
const (
	VerbCreate = "create"
	VerbUpdate = "update"
	VerbDelete = "delete"
)

// Record is a change, for the audit.
type Record struct {
	Revision int64
	At       time.Time
	Act
	Action string // such as ActionCreate
	Object string // the id of what was changed
	Before string // JSON; "" where it was not there
	After  string // JSON
	Sum    Sum    // over the record and the sum of the one before
}

// Sum is a SHA-256 over a record and all those before it. It is no secret.
type Sum [sha256.Size]byte

// String returns the sum in hexadecimal digits; "" of the zero Sum, which is before the first
// record.
func (s Sum) String() string {
	if s == (Sum{}) {
		return ""
	}
	return hex.EncodeToString(s[:])
}

// ParseSum reads what String has written.
func ParseSum(digits string) (s Sum, err error) {
	b, err := hex.DecodeString(digits)
	if err != nil || len(b) != len(s) && len(b) > 0 {
		return s, errors.New("it is no SHA-256 in hexadecimal digits")
	}
	copy(s[:], b)
	return s, nil
}

// SumAfter returns the sum over r and that of the record before. A text is told from the next
// one by its length.
func (r *Record) SumAfter(before Sum) Sum {
	h := sha256.New()
	fmt.Fprintf(h, "%d %d\n", r.Revision, r.At.UnixMicro())
	for _, text := range []string{
		before.String(), r.Actor, r.Credential, r.Address, r.RequestID, r.Reason, r.Action,
		r.Object, r.Before, r.After,
	} {
		fmt.Fprintf(h, "%d %s\n", len(text), text)
	}
	return Sum(h.Sum(nil))
}

// Verify checks that records follow from each other and from the one before them, the zero
// Record for the first that there is. It names the first that does not.
func Verify(before Record, list []Record) error {
	for i := range list {
		r := &list[i]
		if r.Revision != before.Revision+1 {
			return fmt.Errorf("the audit has a record of revision %d after that of %d: "+
				"what is between them was taken out", r.Revision, before.Revision)
		}
		if r.SumAfter(before.Sum) != r.Sum {
			return fmt.Errorf("the audit record of revision %d, or the one before it, "+
				"is not as it was written", r.Revision)
		}
		before = *r
	}
	return nil
}

// verifyPage is how many records are checked at once.
const verifyPage = 1000

// VerifyStore checks all records of a store: none was changed, taken out or put elsewhere, and
// the last one is that of the last change, and returned. Who can write to the store can make all
// of them anew, with other sums; against that, keep the last sum elsewhere.
func VerifyStore(ctx context.Context, s Store) (last Record, err error) {
	revision, err := s.Revision(ctx)
	if err != nil {
		return last, err
	}
	for after := int64(math.MinInt64); ; after = last.Revision { // also what is before the first
		list, err := s.Audit(ctx, AuditQuery{After: after, Limit: verifyPage})
		if err != nil {
			return last, err
		}
		if len(list) == 0 {
			break
		}
		if err := Verify(last, list); err != nil {
			return last, err
		}
		last = list[len(list)-1]
	}
	if last.Revision < revision.Number {
		return last, fmt.Errorf("the audit ends with revision %d, and the last change is of %d: "+
			"the records after it were taken out", last.Revision, revision.Number)
	}
	if revision, err = s.Revision(ctx); err != nil {
		return last, err
	}
	if last.Revision > revision.Number {
		return last, fmt.Errorf("the audit has a record of revision %d, and the last change is "+
			"of %d: it was put there by another hand", last.Revision, revision.Number)
	}
	return last, nil
}

// MarshalJSON writes r as people export it. What was before and after is as it was kept.
func (r Record) MarshalJSON() ([]byte, error) {
	raw := func(text string) json.RawMessage {
		if !json.Valid([]byte(text)) {
			return json.RawMessage("null")
		}
		return json.RawMessage(text)
	}
	return json.Marshal(struct {
		Revision   int64           `json:"revision"`
		At         string          `json:"at"`
		Actor      string          `json:"actor"`
		Credential string          `json:"credential"`
		Address    string          `json:"address,omitzero"`
		RequestID  string          `json:"request_id,omitzero"`
		Reason     string          `json:"reason,omitzero"`
		Action     string          `json:"action"`
		Object     string          `json:"object"`
		Before     json.RawMessage `json:"before"`
		After      json.RawMessage `json:"after"`
		Sum        string          `json:"sum"`
	}{
		r.Revision, Text(r.At), r.Actor, r.Credential, r.Address, r.RequestID, r.Reason,
		r.Action, r.Object, raw(r.Before), raw(r.After), r.Sum.String(),
	})
}

// Text returns a time as people read it, in UTC with its microseconds; "" for none.
func Text(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}
