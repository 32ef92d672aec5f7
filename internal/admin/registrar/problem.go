package registrar

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/failure"
	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
	"github.com/token-rate-limiter/token-rate-limiter/internal/registry"
	"github.com/token-rate-limiter/token-rate-limiter/internal/reply"
)

// statuses has the status of each code that a problem can have.
var statuses = map[string]int{
	"invalid_request":        http.StatusBadRequest,
	"invalid_api_key":        http.StatusUnauthorized,
	"permission_denied":      http.StatusForbidden,
	"user_disabled":          http.StatusForbidden,
	"tenant_disabled":        http.StatusForbidden,
	"key_not_found":          http.StatusNotFound,
	"tenant_not_found":       http.StatusNotFound,
	"user_not_found":         http.StatusNotFound,
	"role_not_found":         http.StatusNotFound,
	"not_found":              http.StatusNotFound,
	"model_not_found":        http.StatusNotFound,
	"method_not_allowed":     http.StatusMethodNotAllowed,
	"request_timeout":        http.StatusRequestTimeout,
	"replica_not_found":      http.StatusNotFound,
	"replica_alive":          http.StatusConflict,
	"key_revoked":            http.StatusConflict,
	"key_expired":            http.StatusConflict,
	"too_many_secrets":       http.StatusConflict,
	"secret_taken":           http.StatusConflict,
	"already_exists":         http.StatusPreconditionFailed,
	"in_use":                 http.StatusConflict,
	"built_in":               http.StatusConflict,
	"owned_by_file":          http.StatusConflict,
	"no_database":            http.StatusConflict,
	"request_in_progress":    http.StatusConflict,
	"stale_revision":         http.StatusPreconditionFailed,
	"too_many_rows":          http.StatusUnprocessableEntity,
	"request_too_large":      http.StatusRequestEntityTooLarge,
	"unsupported_media_type": http.StatusUnsupportedMediaType,
	"idempotency_key_reused": http.StatusUnprocessableEntity,
	"internal_error":         http.StatusInternalServerError,
	"database_unavailable":   http.StatusServiceUnavailable,
	"store_unavailable":      http.StatusServiceUnavailable,
	"identity_unavailable":   http.StatusServiceUnavailable,
}

// Codes returns the codes that problems can have, in the order of the alphabet.
func Codes() []string { return slices.Sorted(maps.Keys(statuses)) }

// problem returns the problem of a code, whose detail is a format with its values.
func problem(code, detail string, args ...any) *reply.Problem {
	return &reply.Problem{
		Status: statuses[code], Code: code, Detail: fmt.Sprintf(detail, args...),
	}
}

// awayWait is when to come back while the control database is away.
const awayWait = time.Second

// storeAway is the detail of what the store of accounts cannot be asked.
const storeAway = "the store of accounts does not answer: try again later, and look at " +
	"GET /actuator/health"

// rows say what each error of the registry is answered with. The first that fits counts.
var rows = []struct {
	err    error
	code   string
	detail string // "": the error's own text
	retry  time.Duration
}{
	{registry.ErrNotFound, "key_not_found",
		"there is no such key: GET /api/v1/admin/keys lists them", 0},
	{registry.ErrRevoked, "key_revoked", "", 0},
	{registry.ErrExpired, "key_expired", "", 0},
	{registry.ErrTooMany, "too_many_secrets", "", 0},
	{registry.ErrTaken, "secret_taken", "", 0},
	{registry.ErrConflict, "stale_revision",
		"it has changed since the ETag in If-Match was told: read it again", 0},
	{registry.ErrExists, "already_exists", "", 0},
	{registry.ErrOtherBody, "idempotency_key_reused", "", 0},
	{registry.ErrLaterVersion, "database_unavailable", "", awayWait},
	{registry.ErrUnconfirmed, "database_unavailable",
		"the control database went away: the change may have been made or not; send it again " +
			"with the same Idempotency-Key, or look", awayWait},
	{limit.ErrUnavailable, "store_unavailable", storeAway, awayWait},
	{limit.ErrClosed, "store_unavailable", storeAway, awayWait},
	{registry.ErrUnavailable, "database_unavailable",
		"the control database does not answer: nothing was changed, and keys that are known " +
			"keep working; try again later", awayWait},
}

// problemOf returns what an error is answered with: what registry and store say, by one table, and
// everything else as a fault of the gateway's own.
func problemOf(err error) *reply.Problem {
	var known *reply.Problem
	var failed *failure.Error
	var field *registry.FieldError
	var used *registry.InUseError
	switch {
	case errors.As(err, &known):
		return known
	case errors.As(err, &failed):
		return reply.ProblemOf(failed)
	case errors.As(err, &field):
		return faulty("#/"+inBody.Replace(field.Field), field.Problem)
	}
	if errors.As(err, &used) {
		return problem("in_use", "%v", used)
	}
	for _, row := range rows {
		if !errors.Is(err, row.err) {
			continue
		}
		p := problem(row.code, "%s", row.detail)
		if p.Retry = row.retry; row.detail == "" {
			p.Detail = row.err.Error()
		}
		return p
	}
	return reply.ProblemOf(failure.Of(err))
}

// inBody turns the place of a field, such as "models[1]", into a pointer.
var inBody = strings.NewReplacer("[", "/", "]", "")

// isOver reports whether an error only says that the client has left.
func isOver(ctx context.Context, err error) bool {
	return ctx.Err() != nil && errors.Is(err, context.Canceled)
}
