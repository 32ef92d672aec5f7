package gate

import "github.com/token-rate-limiter/token-rate-limiter/internal/identity"

// Rule says who may ask a route. The zero value lets nobody in.
type Rule struct {
	open, known bool
	needs       identity.Permission
	where       where // the permission is needed
}

// where says in which tenant a permission is needed.
type where uint8

const (
	inDefault where = iota
	inOwn           // in that of the principal: the handler shows no more than that
	everywhere
)

// Rules that ask for no permission.
var (
	Open  = Rule{open: true}  // whoever comes, without a credential
	Known = Rule{known: true} // whoever has a credential that is known
)

// Needs returns the rule that lets principals in who have a permission in the default tenant.
func Needs(p identity.Permission) Rule { return Rule{needs: p} }

// NeedsInTenant returns the rule that lets principals in who have a permission in a tenant at
// least, which is their own: the handler finds out whether they have it for what they ask for.
func NeedsInTenant(p identity.Permission) Rule { return Rule{needs: p, where: inOwn} }

// NeedsEverywhere returns the rule that lets principals in who have a permission in every tenant.
func NeedsEverywhere(p identity.Permission) Rule { return Rule{needs: p, where: everywhere} }

// Open reports whether no credential is asked for.
func (r Rule) Open() bool { return r.open }

// Permission returns the one that is needed; 0: none is.
func (r Rule) Permission() identity.Permission { return r.needs }

// Lets reports whether the rule lets a principal in, who is known.
func (r Rule) Lets(p *identity.Principal) bool {
	switch {
	case r.open || r.known:
		return true
	case r.where == inOwn:
		return p.MayIn(r.needs, p.Tenant)
	case r.where == everywhere:
		return p.May(r.needs)
	}
	return p.MayIn(r.needs, "")
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
