package registry

import (
	"context"
	"errors"
	"time"
)

// ErrUnavailable is wrapped by every error of a Store that has not done, or may not have done,
// what it was asked for because it cannot be reached.
var ErrUnavailable = errors.New("the control database is not available")

// Act is who makes a change, and how it is known to be that one. Nothing of it is secret.
type Act struct {
	Actor      string // the user
	Credential string // the name of the credential
	RequestID  string
	Reason     string // as told; "" for none
}

// Store keeps the registry. It is safe for concurrent use. What it returns may be changed by
// the caller.
type Store interface {
	// Create keeps a new key, whose id and time of creation it sets, and returns it. It fails
	// with a *FieldError, and with ErrTaken where a secret is known.
	Create(ctx context.Context, k Key, a Act) (Key, error)
	// Update has change work on the key with that id, at the time of the change, and keeps
	// what becomes of it under the name of the action. It fails with ErrNotFound, with a
	// *FieldError, with ErrTaken and with what change fails with; nothing is changed then.
	Update(
		ctx context.Context, id string, a Act, action string, change func(*Key, time.Time) error,
	) (Key, error)
	// Key returns the key with that id, or ErrNotFound.
	Key(ctx context.Context, id string) (Key, error)
	// Keys returns keys in the order of their creation.
	Keys(ctx context.Context, q Query) (Page, error)
	// Revision returns the revision of the last change; 0: nothing was changed yet.
	Revision(ctx context.Context) (int64, error)
	// Changes returns what has changed since a revision, 0: everything.
	Changes(ctx context.Context, since int64) (Changes, error)
	// Audit returns records in their order.
	Audit(ctx context.Context, after int64, limit int) ([]Record, error)
	// Close ends its use. It waits for what is under way.
	Close() error
}

// Query chooses keys.
type Query struct {
	User  string // "": of all users
	After string // the id after which to begin; "": at the first
	Limit int    // at the most; > 0
}

// Page is some keys, and the id after which more begin; "": there are none.
type Page struct {
	Keys []Key
	Next string
}

// Changes is what has changed, up to a revision.
type Changes struct {
	Revision int64
	// Whole tells that Keys are all that there are, rather than those that have changed.
	Whole bool
	Keys  []Key
}
