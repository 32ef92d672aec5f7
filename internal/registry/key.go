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
	ID   string
	Name string // for people; not secret, and not unique
	User string // whose accounts are charged
	// Tenant is that of the user; "": the default one.
	Tenant string
	Roles  []identity.Role
	// ActAs tells that the key may name another user for whom it sends a request.
	ActAs bool
	// Models and Endpoints are what the key may be used for, as identity.NewReach takes them.
	Models, Endpoints []string

	Created time.Time
	Expires time.Time // of all secrets
	Revoked time.Time
	// Used is when the key was last used, as far as gateways have told, which they do once a
	// minute. A change of it is no change of the key.
	Used time.Time
	// Revision is the number of the key's last change.
	Revision int64

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

// States are all of them.
var States = []State{Active, Expired, Revoked}

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

const (
	// secretsMax is how many secrets a key keeps that have not expired: the newest, and those
	// that it is replacing.
	secretsMax = 3
	// endedMax is how many a key keeps that have expired, so that a leaked one can be told.
	endedMax = 16
	// nameBytesMax bounds a key's name.
	nameBytesMax = 256
)

// LastYear is the last one that a key may end in: times have no later one in JSON (RFC 3339).
const LastYear = 9999

// Having returns the one of keys that has, or had, a secret with that hash; nil: none has.
func Having(h Hash, keys []Key) *Key {
	for i := range keys {
		for _, s := range keys[i].Secrets {
			if s.Hash == h {
				return &keys[i]
			}
		}
	}
	return nil
}

// Check returns what is wrong with k, for whoever has written it, or nil.
func (k *Key) Check() error {
	switch {
	case k.Name == "":
		return &FieldError{"name", "is missing: say what the key is for"}
	case k.User == "":
		return &FieldError{"user", "is missing: say whose accounts are charged"}
	case len(k.Secrets) == 0:
		return &FieldError{"hash", "is missing: a key has one secret at least"}
	}
	if err := checkText("name", k.Name, nameBytesMax); err != nil {
		return err
	}
	if err := checkUser("user", k.User); err != nil {
		return err
	}
	if err := checkTenant("tenant", k.Tenant); err != nil {
		return err
	}
	if _, err := identity.NewReach(k.Models, k.Endpoints); err != nil {
		return reachError(err)
	}
	if k.Expires.UTC().Year() > LastYear {
		return wrong("expires_at", "is after the year %d: leave it out for never", LastYear)
	}
	return k.checkRoles()
}

// checkRoles returns what is wrong with the roles as far as their names tell: whether there is a
// custom role is known to the store.
func (k *Key) checkRoles() error {
	if len(k.Roles) == 0 {
		return &FieldError{"roles", "is empty: there are " + identity.RoleList()}
	}
	for i, r := range k.Roles {
		if err := r.CheckName(); err != nil {
			return NoRole(r)
		}
		if slices.Contains(k.Roles[:i], r) {
			return wrong("roles", "has %q twice", r)
		}
	}
	return nil
}

// NoRole returns what is wrong with roles that have r, which is neither built in nor custom.
func NoRole(r identity.Role) error {
	return wrong("roles", "has %q, which is none: there are %s, and those that somebody has made",
		r, identity.RoleList())
}

// reachError returns what is wrong with the models or the endpoints as an error of that field.
func reachError(err error) error {
	reach, ok := errors.AsType[*identity.ReachError](err)
	if !ok {
		return err
	}
	field := reach.List
	if reach.Index >= 0 {
		field = fmt.Sprintf("%s[%d]", field, reach.Index)
	}
	return &FieldError{field, reach.Problem}
}

// Reach returns what k may be used for. That is nothing where its models or endpoints are not
// understood, for a later version of the gateway may have written them.
func (k *Key) Reach() *identity.Reach {
	reach, err := identity.NewReach(k.Models, k.Endpoints)
	if err != nil {
		return identity.Nothing
	}
	return reach
}

// CheckEnd returns what is wrong with the end of k, where it is another than before, or nil.
// What is to end at once is revoked.
func (k *Key) CheckEnd(before, now time.Time) error {
	if k.Expires.Equal(before) || !reached(k.Expires, now) {
		return nil
	}
	return wrong("expires_at", "is %s, which is over: write a time to come, or revoke the key",
		Text(k.Expires))
}

// Rotate gives k a new secret with the hash h. Those before stay good for overlap; 0 ends them
// with the new one's creation, whatever the clocks of those who made them say. It fails with
// ErrRevoked and ErrExpired, with ErrTaken where the key has or had that secret, and with
// ErrTooMany where it has too many already.
func (k *Key) Rotate(h Hash, overlap time.Duration, now time.Time) error {
	switch k.StateAt(now) {
	case Revoked:
		return ErrRevoked
	case Expired:
		return ErrExpired
	}
	if slices.ContainsFunc(k.Secrets, func(s Secret) bool { return s.Hash == h }) {
		return ErrTaken
	}
	if overlap < 0 {
		return wrong("overlap", "is %v: write 0s or more", overlap)
	}
	created := now
	if len(k.Secrets) > 0 && !k.Secrets[0].Created.Before(now) { // by a clock that was ahead
		created = k.Secrets[0].Created.Add(time.Microsecond)
	}
	end := created.Add(overlap)
	for i := range k.Secrets {
		if s := &k.Secrets[i]; s.Expires.IsZero() || s.Expires.After(end) {
			s.Expires = end
		}
	}
	secrets := append([]Secret{{Hash: h, Created: created}}, k.Secrets...)
	var kept []Secret
	good := 0
	for i, s := range secrets {
		if superseded(secrets, i) || reached(s.Expires, now) {
			if len(kept)-good < endedMax {
				kept = append(kept, s)
			}
			continue
		}
		kept = append(kept, s)
		good++
	}
	if good > secretsMax {
		return ErrTooMany
	}
	k.Secrets = kept
	return nil
}

// superseded reports whether the secret i was ended by the creation of one of the others. That
// holds whatever the clock says: the order of rotations is that of the database, and clocks of
// those who rotate may differ.
func superseded(secrets []Secret, i int) bool {
	end := secrets[i].Expires
	return !end.IsZero() && slices.ContainsFunc(secrets[:i], func(newer Secret) bool {
		return !newer.Created.Before(end)
	})
}

// Revoke ends k at now, for ever. It fails with ErrRevoked where it has ended so before.
func (k *Key) Revoke(now time.Time) error {
	if !k.Revoked.IsZero() {
		return ErrRevoked
	}
	k.Revoked = now
	return nil
}

// FieldError says what is wrong with a field of what somebody has written, such as name or
// models[2].
type FieldError struct{ Field, Problem string }

func wrong(field, problem string, args ...any) error {
	return &FieldError{field, Redact(fmt.Sprintf(problem, args...))}
}

func (e *FieldError) Error() string { return e.Field + " " + e.Problem }

// The errors of changes.
var (
	ErrNotFound = errors.New("there is no such thing")
	ErrRevoked  = errors.New("the key is revoked, which is for ever: create another one")
	ErrExpired  = errors.New("the key has expired: give it another end first, or create one")
	ErrTooMany  = fmt.Errorf("the key has %d secrets that are good: "+
		"wait, or end them with an overlap of 0", secretsMax)
	ErrTaken = errors.New("the secret is known already: make a new one")
)
