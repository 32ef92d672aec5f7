package database

import (
	"database/sql"
	"errors"

	"github.com/token-rate-limiter/token-rate-limiter/internal/registry"
)

const (
	selectOnce = "SELECT body, object FROM idempotency WHERE id = $1"
	insertOnce = "INSERT INTO idempotency (id, body, object, kept_at) VALUES ($1, $2, $3, $4)"
	dropOnce   = "DELETE FROM idempotency WHERE kept_at < $1"
)

// begin fails with a *registry.RepeatedError where the request was carried out before, and with
// registry.ErrOtherBody where it was another one. Requests that come at once wait for each
// other before it, at the row of the revision. What is too old is dropped, so that there are
// never more than the changes of a day.
func (w *writing) begin(how registry.Write) error {
	o := how.Once
	if o == nil || how.DryRun {
		return nil
	}
	if err := w.exec(dropOnce, registry.Moment(w.now.Add(-registry.OnceFor))); err != nil {
		return err
	}
	var body, object string
	err := w.QueryRowContext(w.ctx, selectOnce, o.ID.String()).Scan(&body, &object)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil
	case err != nil:
		return err
	case body != o.Body.String():
		return &refusal{registry.ErrOtherBody}
	}
	return &refusal{&registry.RepeatedError{Object: object}}
}

// end keeps what a request has changed.
func (w *writing) end(how registry.Write, object string) error {
	o := how.Once
	if o == nil || how.DryRun {
		return nil
	}
	return w.exec(insertOnce, o.ID.String(), o.Body.String(), object, registry.Moment(w.now))
}
