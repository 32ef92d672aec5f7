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
// What custom roles give is asked of c, which has them as they are at the moment.
//
// What p needs is keys:write in that tenant, every permission of the roles, a reach that has the
// mandate's within, and for act-as the same or users:write. models:use alone can be given by who
// has it not: keys are issued for that, and an admin has no budget.
func (p *Principal) MayGive(m Mandate, c *Census) error {
	if !p.MayIn(KeysWrite, m.Tenant) {
		return &BeyondError{"tenant", fmt.Sprintf("%q is not one in which you may write keys",
			TenantOutside(m.Tenant))}
	}
	for _, r := range m.Roles {
		gives, known := c.Gives(r)
		if !known {
			return &BeyondError{"roles", fmt.Sprintf("has %q, which is none: there are %s, "+
				"and those that somebody has made", r, RoleList())}
		}
		if beyond := p.lacks(gives, m.Tenant); beyond != 0 {
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

// MayWriteRole returns nil where p may have a role give what is after where it gave what is
// before; 0: there is none. Who could give a role more than he has would have it himself, and who
// could take from it what he has not would lock out those above him. A role counts in every tenant,
// so that it is for who has roles:write everywhere. It fails with a *BeyondError.
func (p *Principal) MayWriteRole(before, after PermissionSet) error {
	if !p.May(RolesWrite) {
		return &BeyondError{"role", "can be written by who has roles:write in every tenant"}
	}
	if beyond := p.lacksAnywhere(before | after); beyond != 0 {
		return &BeyondError{"permissions", fmt.Sprintf(
			"has, or had, %s, and you do not have that", beyond)}
	}
	return nil
}

// MayDisable returns nil where p may let in or keep out a user, or with "" a whole tenant, whose
// credentials give what is held: nobody locks out, or lets in, those above him, himself, or the
// tenant that all else is of. It fails with a *BeyondError.
func (p *Principal) MayDisable(tenant, user string, held PermissionSet) error {
	switch {
	case !p.MayIn(UsersWrite, tenant), user == "" && !p.May(UsersWrite):
		return &BeyondError{"tenant", fmt.Sprintf("%q is not one in which you may do that",
			TenantOutside(tenant))}
	case user == "" && tenant == "":
		return &BeyondError{"tenant", `"default" cannot be disabled`}
	case user == "" && tenant == p.Tenant:
		return &BeyondError{"tenant", "is your own, and nobody locks himself out"}
	case tenant == p.Tenant && (user == p.Actor() || user == p.User):
		return &BeyondError{"user", "is yourself, and nobody locks himself out"}
	}
	if beyond := p.lacks(held, tenant); beyond != 0 {
		return &BeyondError{"user", fmt.Sprintf(
			"has a key that gives %s, and you do not have that", beyond)}
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

// lacksAnywhere returns the first permission of s that p may not give to anybody, whatever the
// tenant; 0: none.
func (p *Principal) lacksAnywhere(s PermissionSet) Permission {
	for has := range Permissions() {
		if has != ModelsUse && s.InTenant(has) && !p.May(has) {
			return has
		}
	}
	return 0
}
