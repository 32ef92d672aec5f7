package identity

import "fmt"

// Mandate is what a credential lets whoever holds it do.
type Mandate struct {
	Tenant string // "": the default one
	Roles  []Role
	ActAs  bool
	Reach  *Reach // nil: all
}

// BeyondError says why a principal may not give a mandate.
type BeyondError struct {
	Part    string // of the mandate: "tenant", "roles", "act_as", "models" or "endpoints"
	Problem string
}

func (e *BeyondError) Error() string { return e.Part + " " + e.Problem }

// MayGive returns nil where p may give a credential with this mandate to somebody, or have its
// secret: nobody gives more than he has. It is asked for what a credential is to be and, where
// there is one, for what it has been: who rotates a key gets all that the key may. It fails with
// a *BeyondError.
//
// What p needs is keys:write in that tenant, every permission of the roles, a reach that has the
// mandate's within, and for act-as the same or users:write. models:use alone can be given by who
// has it not: keys are issued for that, and an admin has no budget.
func (p *Principal) MayGive(m Mandate) error {
	if !p.MayIn(KeysWrite, m.Tenant) {
		return &BeyondError{"tenant", fmt.Sprintf("%q is not one in which you may write keys",
			m.Tenant)}
	}
	for _, r := range m.Roles {
		if !r.Known() {
			return &BeyondError{"roles", fmt.Sprintf("has %q, which is none: there are %s",
				r, RoleList())}
		}
		if beyond := p.lacks(r.Gives(), m.Tenant); beyond != 0 {
			return &BeyondError{"roles", fmt.Sprintf(
				"has %q, which gives %s, and you do not have that", r, beyond)}
		}
	}
	switch {
	case m.ActAs && !(p.ActAs && p.Tenant == m.Tenant) && !p.MayIn(UsersWrite, m.Tenant):
		return &BeyondError{"act_as", "lets others be named, and you may neither do that " +
			"nor write users"}
	case !m.Reach.modelsWithin(p.Reach):
		return &BeyondError{"models", "has some that you may not use"}
	case !m.Reach.endpointsWithin(p.Reach):
		return &BeyondError{"endpoints", "has some that you may not use"}
	}
	return nil
}

// lacks returns the first permission of s, in a tenant, that p may not give; 0: none.
func (p *Principal) lacks(s PermissionSet, tenant string) Permission {
	for has := range Permissions() {
		switch {
		case has == ModelsUse:
		case s.Everywhere(has) && !p.May(has), s.InTenant(has) && !p.MayIn(has, tenant):
			return has
		}
	}
	return 0
}
