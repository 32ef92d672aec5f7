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
	everywhere where = iota
	inOwn            // in that of the principal: the handler shows no more than that
)

// Rules that ask for no permission.
var (
	Open  = Rule{open: true}  // whoever comes, without a credential
	Known = Rule{known: true} // whoever has a credential that is known
)

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
	}
	return p.May(r.needs)
}

// roles returns the roles that there always are whose holders are let in.
func (r Rule) roles() string {
	return identity.RolesWith(r.needs, r.where == everywhere)
}

// String returns the permission that is needed, and whether it is in every tenant, "known" or
// "open"; "nobody" of the zero value.
func (r Rule) String() string {
	switch {
	case r.open:
		return "open"
	case r.known:
		return "known"
	case r.needs == 0:
		return "nobody"
	case r.where == everywhere:
		return r.needs.String() + " in every tenant"
	}
	return r.needs.String()
}
