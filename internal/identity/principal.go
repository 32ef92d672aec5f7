package identity

import (
	"fmt"
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

// Principal is who sent a request. The zero value is nobody, who may do nothing.
type Principal struct {
	User   string
	Tenant string // "": the default one
	// Account names what is charged, of User in Tenant: see AccountOf.
	Account string
	// Holder is whose the credential is, where another user is named; "": User.
	Holder string
	Roles  []Role // by name, to be shown; what they give is in Permissions
	// Permissions are what it may do: of its roles, PermissionsOf, and what a Census adds to that.
	Permissions PermissionSet
	// ActAs tells that it may name another user for whom it sends a request.
	ActAs      bool
	Reach      *Reach // which models it may use, and how; nil: all
	Credential string // names the credential, for logs; it is not the credential
}

// May reports whether the principal has a permission everywhere: for what is of no tenant.
func (p *Principal) May(do Permission) bool { return p.Permissions.Everywhere(do) }

// MayIn reports whether the principal has a permission for what is of a tenant; "" is the default
// one.
func (p *Principal) MayIn(do Permission, tenant string) bool {
	return p.May(do) || tenant == p.Tenant && p.Permissions.InTenant(do)
}

// As returns the principal with another user's accounts, and all else its own.
// The caller has checked that it may act as others.
func (p Principal) As(user string) Principal {
	if p.Holder = p.Actor(); p.Holder == user {
		p.Holder = ""
	}
	p.User, p.Account = user, AccountOf(p.Tenant, user)
	return p
}

// Actor returns whose the credential is: who answers for what is done with it, whoever is named.
func (p *Principal) Actor() string {
	if p.Holder != "" {
		return p.Holder
	}
	return p.User
}
