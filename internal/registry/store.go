package registry

import (
	"context"
	"errors"
	"time"
	"unicode/utf8"

	"github.com/token-rate-limiter/token-rate-limiter/internal/identity"
)

// The errors of a Store.
var (
	// ErrUnavailable is wrapped by every error of a Store that has not done what it was asked
	// for because it cannot be reached.
	ErrUnavailable = errors.New("the control database is not available")
	// ErrUnconfirmed is wrapped, beside ErrUnavailable, by the error of a change that may have
	// been done: the answer to its commit was lost.
	ErrUnconfirmed = errors.New("the change may have been done, for the answer was lost")
	// ErrLaterVersion is returned for a store that a later version of the gateway has written,
	// and that this one cannot work with.
	ErrLaterVersion = errors.New("the control database was written by a later version of the " +
		"gateway: run that one, or restore a copy from before it")
	// ErrConflict is returned for a change of something that has changed since the writer saw it.
	ErrConflict = errors.New("it has changed since it was read: read it again")
)

// Act is who makes a change, and how it is known to be that one. Nothing of it is secret.
type Act struct {
	Actor      string // the user
	Credential string // the name of the credential
	Address    string // where the user's request came from; "": from the gateway's machine
	RequestID  string
	Reason     string // as told; "" for none
}

// reasonBytesMax bounds a reason.
const reasonBytesMax = 1024

// Check returns what is wrong with a, for whoever has written it, or nil.
func (a *Act) Check() error {
	for _, f := range []struct {
		name, text string
		max        int
	}{
		{"reason", a.Reason, reasonBytesMax},
		{"actor", a.Actor, nameBytesMax},
		{"credential", a.Credential, nameBytesMax},
		{"address", a.Address, nameBytesMax},
		{"request id", a.RequestID, nameBytesMax},
	} {
		if err := checkText(f.name, f.text, f.max); err != nil {
			return err
		}
	}
	return nil
}

// checkText returns what is wrong with a text that people read in one line, and that every
// database takes, or nil.
func checkText(field, text string, bytesMax int) error {
	if len(text) > bytesMax {
		return wrong(field, "has %d bytes, more than %d", len(text), bytesMax)
	}
	if !utf8.ValidString(text) {
		return wrong(field, "is not valid UTF-8")
	}
	if written.MatchString(text) {
		return wrong(field, "has the secret of a key in it, and is kept: leave that out")
	}
	for _, r := range text {
		if r < ' ' || r == 0x7f {
			return wrong(field, "has the control character %q: write it in one line", r)
		}
	}
	return nil
}

// Write is how a change is made, and by whom.
type Write struct {
	Act
	// Expected is the revision of the object's last change as the writer has seen it, and 0
	// stands for any. Where it is another one, the change fails with ErrConflict; with Absent it
	// fails with ErrExists where the object is there.
	Expected int64
	// May is asked, within the change, of what a key has been and of what it is to be, with the
	// custom roles as they are then; nil: anything may be. The change fails with its error.
	May func(*Key, *identity.Census) error
	// DryRun has the change checked and its result returned, and nothing kept.
	DryRun bool
	// Once is of a change that is made once however often it is asked for; nil: it is made each
	// time. The change fails with a *RepeatedError where it was made before, and with
	// ErrOtherBody where another one was. A dry run is made each time.
	Once *Once
}

// Store keeps the registry. It is safe for concurrent use. What it returns may be changed by
// the caller.
type Store interface {
	// Create keeps a new key, whose id, time of creation and revision it sets, and returns it.
	// It fails with a *FieldError, and with ErrTaken where a secret is known.
	Create(ctx context.Context, k Key, w Write) (Key, error)
	// Update has change work on the key with that id, at the time of the change, and keeps
	// what becomes of it under the name of the action. It fails with ErrNotFound, ErrConflict,
	// a *FieldError, ErrTaken and with what change fails with; nothing is changed then. Where
	// change leaves the key as it is, it returns that, and there is no revision and no record.
	Update(
		ctx context.Context, id string, w Write, action string,
		change func(*Key, time.Time) error,
	) (Key, error)
	// Note keeps a record of an action on something that the store does not have, and returns
	// its revision.
	Note(ctx context.Context, n Note, w Write) (revision int64, err error)
	// Key returns the key with that id, or ErrNotFound.
	Key(ctx context.Context, id string) (Key, error)
	// KeyOf returns the key that has, or had, a secret with that hash, or ErrNotFound.
	KeyOf(ctx context.Context, h Hash) (Key, error)
	// Keys returns keys in the order of their creation.
	Keys(ctx context.Context, q Query) (Page, error)
	// Tenants, Users and Roles keep those.
	Tenants() Objects[Tenant]
	Users() Objects[User]
	Roles() Objects[Role]
	// Revision returns the revision of the last change; the zero one: nothing was changed yet.
	Revision(ctx context.Context) (Revision, error)
	// Changes returns what has changed since a revision, or the first part of it. That is
	// everything for the zero Revision, and for one that is not of this database's history.
	Changes(ctx context.Context, since Revision) (Changes, error)
	// Audit returns records in their order.
	Audit(ctx context.Context, q AuditQuery) ([]Record, error)
	Replicas
	Expenses
	// Used keeps when keys were last used, by their ids, where that is later than is known. It is
	// of no revision.
	Used(ctx context.Context, keys map[string]time.Time) error
	// Close ends its use. It waits for what is under way.
	Close() error
}

// Note is an action on something that a Store does not have.
type Note struct {
	Action, Object string
	Before, After  string // JSON, or ""
}

// Notifier is a Store that may tell of changes before it is asked.
type Notifier interface {
	// Listen calls changed, from one goroutine, for each change of others or of its own that it
	// hears of, until ctx ends. Any of them may be lost, and one may stand for several.
	Listen(ctx context.Context, changed func())
}

// Revision is a moment in a history of changes: the number of the last one, and the sum of its
// record, which only the same history has. The zero Revision is before the first change.
type Revision struct {
	Number int64
	Sum    Sum
}

// Query chooses keys.
type Query struct {
	User   string // "": of all users
	Tenant string // by the name outside; "": of all tenants
	State  State  // as of now; "": any
	Newest bool   // begin with the key that was created last
	After  string // the id after which to begin, in that order; "": at the first
	Limit  int    // at the most; > 0
}

// Page is some keys, and the id after which more begin; "": there are none.
type Page struct {
	Keys []Key
	Next string
}

// Changes is what has changed, up to a revision.
type Changes struct {
	Revision Revision
	// Whole tells that what is told is all that there is, rather than what has changed.
	Whole bool
	// More tells that there are later changes, which are told since Revision. What they change once
	// more may be missing until then.
	More bool
	Keys []Key
	// Of what was deleted there is the name, with nothing else.
	Tenants []Tenant
	Users   []User
	Roles   []Role
}

// AuditQuery chooses records.
type AuditQuery struct {
	After  int64  // only later revisions
	Before int64  // only earlier revisions; 0: all
	Actor  string // "": of all
	Object string // the id; "": of all
	Newest bool   // begin with the last one
	Limit  int    // at the most; > 0
}
