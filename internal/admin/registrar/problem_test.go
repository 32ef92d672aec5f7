package registrar

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/failure"
	"github.com/token-rate-limiter/token-rate-limiter/internal/registry"
)

// TestEveryErrorHasItsProblem: each error that the registry exports is answered with its
// code, also where it is wrapped, and no code has a status that the table does not know.
func TestEveryErrorHasItsProblem(t *testing.T) {
	wants := map[string]struct {
		err    error
		status int
		code   string
	}{
		"ErrNotFound": {registry.ErrNotFound, 404, "key_not_found"}, "ErrRevoked": {registry.ErrRevoked, 409, "key_revoked"},
		"ErrExpired": {registry.ErrExpired, 409, "key_expired"}, "ErrTooMany": {registry.ErrTooMany, 409, "too_many_secrets"},
		"ErrTaken": {registry.ErrTaken, 409, "secret_taken"}, "ErrExists": {registry.ErrExists, 412, "already_exists"}, "ErrConflict": {registry.ErrConflict, 412, "stale_revision"},
		"ErrOtherBody": {registry.ErrOtherBody, 422, "idempotency_key_reused"}, "ErrUnavailable": {registry.ErrUnavailable, 503, "database_unavailable"},
		"ErrLaterVersion": {registry.ErrLaterVersion, 503, "database_unavailable"},
		"ErrUnconfirmed":  {fmt.Errorf("%w: %w", registry.ErrUnavailable, registry.ErrUnconfirmed), 503, "database_unavailable"},
		// These are of credentials, and become failures in the gate.
		"ErrMistyped": {}, "ErrStale": {},
	}
	files, err := filepath.Glob("../../registry/*.go")
	if err != nil || len(files) < 5 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`(?m)^\s*(?:var )?(Err[A-Z]\w*)\s+= (?:errors\.New|fmt\.Errorf)`).FindAllStringSubmatch(string(text), -1) {
			if _, known := wants[m[1]]; !known {
				t.Errorf("nobody has said what %s is answered with", m[1])
			}
		}
	}
	for name, want := range wants {
		if want.err == nil {
			continue
		}
		for _, err := range []error{want.err, fmt.Errorf("wrapped: %w", want.err), errors.Join(want.err, context.DeadlineExceeded)} {
			if p := problemOf(err); p.Status != want.status || p.Code != want.code || p.Status != statuses[p.Code] || p.Detail == "" || (p.Retry > 0) != (p.Status == 503) {
				t.Errorf("%s is answered with %+v", name, p)
			}
		}
	}
	field := &registry.FieldError{Field: "models[3]", Problem: "is wrong"}
	if p := problemOf(field); p.Status != 400 || p.Faults[0].Pointer != "#/models/3" {
		t.Errorf("a field is answered with %+v", p)
	}
	for _, err := range []error{errors.New("secret words of a driver"), failure.NoIdentity(time.Second), failure.InvalidKey("x"), failure.Permission("x"), failure.Method("A", "B")} {
		if p := problemOf(err); p.Status != statuses[p.Code] || p.Detail == "secret words of a driver" {
			t.Errorf("%v is answered with %+v", err, p)
		}
	}
}
