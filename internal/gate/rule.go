package gate

import "github.com/token-rate-limiter/token-rate-limiter/internal/identity"

// Rule says who may ask a route. The zero value lets nobody in.
type Rule struct {
	open, known bool
	needs       identity.Permission
}

// Rules that ask for no permission.
var (
	Open  = Rule{open: true}  // whoever comes, without a credential
	Known = Rule{known: true} // whoever has a credential that is known
)

// Needs returns the rule that lets principals with a permission in.
func Needs(p identity.Permission) Rule { return Rule{needs: p} }

// Open reports whether no credential is asked for.
func (r Rule) Open() bool { return r.open }

// Lets reports whether the rule lets a principal in, who is known. What routes concern is of the
// default tenant as long as there is no other.
func (r Rule) Lets(p *identity.Principal) bool {
	return r.open || r.known || p.MayIn(r.needs, "")
}

// String returns the permission that is needed, "known" or "open"; "nobody" of the zero value.
func (r Rule) String() string {
	switch {
	case r.open:
		return "open"
	case r.known:
		return "known"
	case r.needs == 0:
		return "nobody"
	}
	return r.needs.String()
}
