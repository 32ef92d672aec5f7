package registry

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/identity"
)

// Key is an API key: one name for secrets that follow each other. The zero time is none.
type Key struct {
	ID    string
	Name  string // for people; not secret, and not unique
	User  string // whose accounts are charged
	Roles []identity.Role
	// ActAs tells that the key may name another user for whom it sends a request.
	ActAs bool

	Created time.Time
	Expires time.Time // of all secrets
	Revoked time.Time

	// Secrets are those that are known, the newest first. Of a key that is revoked they stay,
	// so that a leaked one can be told whose it was.
	Secrets []Secret
}

// Secret is one of a key's secrets, as far as it is kept.
type Secret struct {
	Hash    Hash
	Created time.Time
	Expires time.Time // before its key, where another has taken its place
}

// State is what a key is good for.
type State string

// The states.
const (
	Active  State = "active"
	Expired State = "expired"
	Revoked State = "revoked"
)

// StateAt returns the state of k at now.
func (k *Key) StateAt(now time.Time) State {
	switch {
	case !k.Revoked.IsZero():
		return Revoked
	case reached(k.Expires, now):
		return Expired
	}
	return Active
}

// reached reports whether a moment, if there is one, has come.
func reached(moment, now time.Time) bool { return !moment.IsZero() && !now.Before(moment) }

// secretsMax is how many secrets a key keeps that have not expired: the newest, and those that
// it is replacing.
const secretsMax = 3

// nameBytesMax bounds a key's name.
const nameBytesMax = 256

// Check returns what is wrong with k, for whoever has written it, or nil.
func (k *Key) Check() error {
	switch {
	case k.Name == "":
		return &FieldError{"name", "is missing: say what the key is for"}
	case len(k.Name) > nameBytesMax:
		return wrong("name", "has %d bytes, more than %d", len(k.Name), nameBytesMax)
	case k.User == "":
		return &FieldError{"user", "is missing: say whose accounts are charged"}
	}
	if err := identity.CheckUser(k.User); err != nil {
		return &FieldError{"user", err.Error()}
	}
	if len(k.Roles) == 0 {
		return &FieldError{"roles", "is empty: there are " + identity.RoleList()}
	}
	for i, r := range k.Roles {
		if !r.Known() {
			return wrong("roles", "has %q, which is none: there are %s", r, identity.RoleList())
		}
		if slices.Contains(k.Roles[:i], r) {
			return wrong("roles", "has %q twice", r)
		}
	}
	return nil
}

// Rotate gives k a new secret with the hash h. Those before stay good for overlap; 0 ends them at
// now. It fails with ErrRevoked, with ErrTaken where the key has or had that secret, and with
// ErrTooMany where it has too many already.
func (k *Key) Rotate(h Hash, overlap time.Duration, now time.Time) error {
	if !k.Revoked.IsZero() {
		return ErrRevoked
	}
	if slices.ContainsFunc(k.Secrets, func(s Secret) bool { return s.Hash == h }) {
		return ErrTaken
	}
	end := now.Add(overlap)
	for i := range k.Secrets {
		if s := &k.Secrets[i]; s.Expires.IsZero() || s.Expires.After(end) {
			s.Expires = end
		}
	}
	good := slices.DeleteFunc(slices.Clone(k.Secrets), func(s Secret) bool {
		return reached(s.Expires, now)
	})
	if len(good) >= secretsMax {
		return ErrTooMany
	}
	k.Secrets = append([]Secret{{Hash: h, Created: now}}, k.Secrets...)
	return nil
}

// Revoke ends k at now, for ever. It fails with ErrRevoked where it has ended so before.
func (k *Key) Revoke(now time.Time) error {
	if !k.Revoked.IsZero() {
		return ErrRevoked
	}
	k.Revoked = now
	return nil
}

// FieldError says what is wrong with a field of what somebody has written.
type FieldError struct{ Field, Problem string }

func wrong(field, problem string, args ...any) error {
	return &FieldError{field, fmt.Sprintf(problem, args...)}
}

func (e *FieldError) Error() string { return e.Field + " " + e.Problem }

// The errors of changes.
var (
	ErrNotFound = errors.New("there is no such thing")
	ErrRevoked  = errors.New("the key is revoked, which is for ever: create another one")
	ErrTooMany  = fmt.Errorf("the key has %d secrets that are good: "+
		"wait, or end them with an overlap of 0", secretsMax)
	ErrTaken = errors.New("the secret is known already: make a new one")
)
