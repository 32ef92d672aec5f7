package registrar

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/failure"
	"github.com/token-rate-limiter/token-rate-limiter/internal/registry"
	"github.com/token-rate-limiter/token-rate-limiter/internal/reply"
)

// problem returns a problem whose detail is a format with its values.
func problem(status int, code, detail string, args ...any) *reply.Problem {
	return &reply.Problem{Status: status, Code: code, Detail: fmt.Sprintf(detail, args...)}
}

// awayWait is when to come back while the control database is away.
const awayWait = time.Second

// rows say what each error of the registry is answered with. The first that fits counts.
var rows = []struct {
	err    error
	status int
	code   string
	detail string // "": the error's own text
	retry  time.Duration
}{
	{registry.ErrNotFound, http.StatusNotFound, "key_not_found",
		"there is no such key: GET /api/v1/admin/keys lists them", 0},
	{registry.ErrRevoked, http.StatusConflict, "key_revoked", "", 0},
	{registry.ErrExpired, http.StatusConflict, "key_expired", "", 0},
	{registry.ErrTooMany, http.StatusConflict, "too_many_secrets", "", 0},
	{registry.ErrTaken, http.StatusConflict, "secret_taken", "", 0},
	{registry.ErrConflict, http.StatusPreconditionFailed, "stale_revision",
		"the key has changed since the ETag in If-Match was told: read it again", 0},
	{registry.ErrOtherBody, http.StatusUnprocessableEntity, "idempotency_key_reused", "", 0},
	{registry.ErrUnconfirmed, http.StatusServiceUnavailable, "database_unavailable",
		"the control database went away: the change may have been made or not; send it again " +
			"with the same Idempotency-Key, or look", awayWait},
	{registry.ErrUnavailable, http.StatusServiceUnavailable, "database_unavailable",
		"the control database does not answer: nothing was changed, and keys that are known " +
			"go on counting; try again later", awayWait},
}

// problemOf returns what an error is answered with: what the registry says, by one table, and
// everything else as a fault of the gateway's own.
func problemOf(err error) *reply.Problem {
	var known *reply.Problem
	var failed *failure.Error
	var field *registry.FieldError
	switch {
	case errors.As(err, &known):
		return known
	case errors.As(err, &failed):
		return reply.ProblemOf(failed)
	case errors.As(err, &field):
		return faulty("#/"+inBody.Replace(field.Field), field.Problem)
	}
	for _, row := range rows {
		if !errors.Is(err, row.err) {
			continue
		}
		p := problem(row.status, row.code, "%s", row.detail)
		if p.Retry, p.Cause = row.retry, err; row.detail == "" {
			p.Detail = row.err.Error()
		}
		return p
	}
	p := reply.ProblemOf(failure.Of(err))
	p.Cause = err
	return p
}

// inBody turns the place of a field, such as "models[1]", into a pointer.
var inBody = strings.NewReplacer("[", "/", "]", "")

// isOver reports whether an error only says that the client has left.
func isOver(ctx context.Context, err error) bool {
	return ctx.Err() != nil && errors.Is(err, context.Canceled)
}
