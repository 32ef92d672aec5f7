package limit

import (
	"context"
	"errors"
)

// ErrUnavailable is wrapped by every error of a Store that means the store
// could not be asked, or did not answer in time. The decision is unknown; a
// store sees to it that nothing stays charged for a reservation that ended so.
var ErrUnavailable = errors.New("the store is unavailable")

// ErrClosed is returned by a store that has been closed.
var ErrClosed = errors.New("the store is closed")

// ErrPage is wrapped by the error of a Store for a page that no page before has named.
var ErrPage = errors.New("there is no such page")

// Store keeps accounts and running slots, and makes decisions about them
// atomic. It is safe for concurrent use; a Grant and a Decision belong to one
// caller at a time.
//
// Every store passes the suite in limittest.
type Store interface {
	// Reserve decides whether need may be charged to user under every rule
	// and gauge of p, all or nothing, and writes the answer to d. When it
	// admits, it charges need, takes a running slot and opens g, which must
	// then be settled; when it denies, it changes nothing and g stays closed.
	// Where p limits nothing it asks nobody: it admits at once and charges nothing
	// before Settle does. An error wraps ErrUnavailable or ErrClosed, and leaves g
	// closed.
	Reserve(ctx context.Context, p *Policy, user string, need Amount, g *Grant, d *Decision) error

	// TopUp charges more for the running request of g, or refuses: see
	// Subjects.TopUp. Where g is not open it refuses and charges nothing, for
	// nobody would settle it; where nothing is limited it grants and charges nothing. An
	// error wraps ErrUnavailable or ErrClosed; nothing is added to g.
	TopUp(ctx context.Context, g *Grant, more Amount, b Bound) (TopUp, error)

	// Settle replaces what g has charged by used, gives the running slot
	// back and closes g. It does not wait for a remote store; Flush does. A
	// grant that is not open is left alone, so that settling twice is
	// harmless.
	Settle(g *Grant, used Amount)

	// Holds reports whether the running slot of g is still counted everywhere,
	// as far as this process can tell without asking: false where it was
	// stopped or cut off for so long that the slot may have been given to
	// another request, and where g is not open.
	Holds(g *Grant) bool

	// View writes where user stands under p. It changes no counter.
	View(ctx context.Context, p *Policy, user string) (View, error)

	// Users returns about so many of the users of the model of p of whom something counts under
	// p, or a request runs, and where they stand; from the beginning where after is "", and
	// else from where the page before ended, whose Next it is. A user who is there all
	// the time is told once at least; one who comes or goes meanwhile may be left out. The work
	// of a call is bounded whatever the number of users. It changes no counter. An error wraps
	// ErrPage where after is of no page, or ErrUnavailable or ErrClosed.
	Users(ctx context.Context, p *Policy, after string, about int) (UserPage, error)

	// Reset sets to zero what counts of user on the model of p, and tells what that was.
	// Requests that run go on: what they have reserved counts no more, and is not given back
	// when they end; what they use beyond it, and what they top up, counts from then on. The
	// account of the model over all its users stays as it is. A reset whose id is that of the
	// last one of the account is not made again. An error wraps ErrUnavailable or ErrClosed;
	// the reset may have been made, and may be sent again with its id.
	Reset(ctx context.Context, p *Policy, user string, r Reset) (Cleared, error)

	// Slots returns the running requests of the model of that name, by replica. It changes
	// nothing. An error wraps ErrUnavailable or ErrClosed.
	Slots(ctx context.Context, model string) (Slots, error)

	// Free has the requests that a replica runs of the model of that name count no more, before
	// its lease ends, and returns how many these were. It fails with ErrNoReplica where the
	// store knows none of that id, and with a *LiveError for this process and for one that was
	// heard within SilentFor: nothing is changed then. A replica that was freed and lives all the
	// same counts again what it runs when it is heard next. An error wraps ErrUnavailable or
	// ErrClosed else.
	Free(ctx context.Context, model, replica string) (running int64, err error)

	// Flush waits until all that was settled before has been applied, or ctx
	// ends.
	Flush(ctx context.Context) error

	// Ping reports whether the store can decide at the moment.
	Ping(ctx context.Context) error

	// Refused reports why the store does not take what concerns the accounts of
	// the model of that name, while it may take what concerns others; nil: it
	// takes it, or nobody has asked. It does not ask, Ping does.
	Refused(model string) error

	// Serve tells the store the models that are served from now on, by the names of their
	// accounts. It does not wait for a remote store.
	Serve(models []string)

	// Forget drops what is kept of models that are not served any more, as far as nothing
	// of them counts or runs; what still does is dropped by a later call. It is to be called
	// from time to time. A model that returns finds its accounts as they were.
	Forget(served func(model string) bool)

	// Hazard returns what of the store's own settings may lose what is counted, in words
	// for its operator; "" where nothing does. It asks the store. An error says that it
	// did not answer, or does not tell.
	Hazard(ctx context.Context) (string, error)

	// Close flushes and releases what the store holds. Later calls fail with
	// ErrClosed.
	Close(ctx context.Context) error
}
