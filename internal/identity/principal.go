package identity

import (
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
)

// CheckUser returns why name cannot be that of a user, or nil. Names are UTF-8,
// so that one name looks the same in answers, logs and stores.
func CheckUser(name string) error {
	switch {
	case len(name) > limit.NameBytesMax:
		return fmt.Errorf("the name of a user has at most %d bytes, and this one has %d",
			limit.NameBytesMax, len(name))
	case !utf8.ValidString(name):
		return fmt.Errorf("the name of a user is not valid UTF-8")
	}
	return nil
}

// Role is what a principal may do. None includes another.
type Role string

// The roles.
const (
	User  Role = "user"  // uses models
	Admin Role = "admin" // sees everybody's usage and the configuration
)

// Principal is who sent a request. The zero value is nobody.
type Principal struct {
	User  string // whose accounts are charged
	Roles []Role
	// ActAs tells that it may name another user for whom it sends a request.
	ActAs      bool
	Credential string // names the credential, for logs; it is not the credential
}

// Is reports whether the principal has the role.
func (p *Principal) Is(r Role) bool { return slices.Contains(p.Roles, r) }

// As returns the principal with another user's accounts, and its own roles.
// The caller has checked that it may act as others.
func (p Principal) As(user string) Principal {
	p.User = user
	return p
}
