package jwt

import (
	"slices"
	"strconv"
	"strings"

	"github.com/token-rate-limiter/token-rate-limiter/internal/identity"
)

// Mapping says what the claims of an issuer's tokens mean here. User is required; the zero value
// of any other means nothing.
type Mapping struct {
	User   Pointer
	Prefix string // before the name of each user
	Tenant Tenant
	Roles  []RoleRule
	Models Pointer // to the names of the models that the token is for, which may have globs
	Limits Pointer // to limits that are lower than those of the user
}

// RoleRule gives a role to whoever's claim is, or holds, a value.
type RoleRule struct {
	Claim Pointer
	Has   string
	Give  identity.Role
}

// Claims are what a token says of its user, as the mapping reads it. They are immutable.
type Claims struct {
	User   string
	Tenant string          // "" for the default one, also without a mapping
	Roles  []identity.Role // never empty
	Reach  *identity.Reach // which models the token is for; nil: all, without a mapping
	Limits map[string]any  // as they are in the token; nil without a mapping
}

// read returns what claims mean.
func (m *Mapping) read(claims object) (c Claims, f *Failure) {
	for _, step := range []func(*Claims, object) *Failure{
		m.user, m.tenant, m.roles, m.models, m.limits,
	} {
		if f = step(&c, claims); f != nil {
			return Claims{}, f
		}
	}
	return c, nil
}

func (m *Mapping) user(c *Claims, claims object) *Failure {
	v, f := find(m.User, claims)
	if f != nil {
		return f
	}
	name, is := v.(string)
	if !is || name == "" {
		return forbids("the JWT names no user: its claim %s is no text", m.User)
	}
	c.User = m.Prefix + name
	if err := identity.CheckUser(c.User); err != nil {
		return forbids("the JWT names no user: %v", err)
	}
	return nil
}

func (m *Mapping) tenant(c *Claims, claims object) *Failure {
	t := &m.Tenant
	if t.Claim.IsZero() {
		return nil
	}
	v, f := find(t.Claim, claims)
	if f != nil {
		return f
	}
	var found []string
	for _, text := range texts(t.Claim, v) {
		if name, is := t.of(text); is && !slices.Contains(found, name) {
			found = append(found, name)
		}
	}
	switch {
	case len(found) == 0:
		return forbids("the JWT names no tenant: nothing in its claim %s does", t.Claim)
	case len(found) > 1:
		return forbids("the JWT names several tenants in its claim %s", t.Claim)
	}
	if found[0] != identity.DefaultTenant { // it has no name inside
		c.Tenant = found[0]
	}
	return nil
}

// roles gives everybody the role user, unless a rule says who has it.
func (m *Mapping) roles(c *Claims, claims object) *Failure {
	gives := func(r RoleRule) bool { return r.Give == identity.User }
	if !slices.ContainsFunc(m.Roles, gives) {
		c.Roles = append(c.Roles, identity.User)
	}
	for _, r := range m.Roles {
		v, f := find(r.Claim, claims)
		switch {
		case f == errEmail: // nobody's address is believed
		case f != nil:
			return f
		case holds(r.Claim, v, r.Has) && !slices.Contains(c.Roles, r.Give):
			c.Roles = append(c.Roles, r.Give)
		}
	}
	if len(c.Roles) == 0 {
		return forbids("the JWT gives its user no role here")
	}
	return nil
}

func (m *Mapping) models(c *Claims, claims object) *Failure {
	if m.Models.IsZero() {
		return nil
	}
	v, f := find(m.Models, claims)
	if f != nil {
		return f
	}
	names := texts(m.Models, v)
	switch {
	case names == nil:
		return forbids("the JWT does not say which models it is for, in its claim %s", m.Models)
	case len(names) == 0:
		c.Reach = identity.Nothing
		return nil
	}
	var err error
	if c.Reach, err = identity.NewReach(names, nil); err != nil { // which has names of the token
		return forbids("the models of the JWT, in its claim %s, are too many, or one is no name "+
			"of a model", m.Models)
	}
	return nil
}

func (m *Mapping) limits(c *Claims, claims object) *Failure {
	if m.Limits.IsZero() {
		return nil
	}
	v, f := find(m.Limits, claims)
	limits, is := v.(object)
	if v != nil && !is {
		f = forbids("the limits of the JWT, in its claim %s, are no object", m.Limits)
	}
	c.Limits = limits
	return f
}

// errEmail is the failure of an address that its issuer has not verified: anybody could have
// written another's.
var errEmail = forbids("the e-mail address in the JWT is not verified (email_verified)")

// find returns the claim at a place; nil where there is none. It fails where an e-mail address is
// not verified, and where the issuer has left the claim out because it was too long: Entra ID does
// so with groups, and says where to ask for them.
func find(p Pointer, claims object) (any, *Failure) {
	v := p.in(claims)
	if v == nil {
		elsewhere, _ := claims["_claim_names"].(object)
		first := p.tokens[0]
		if elsewhere[first] != nil || first == "groups" && claims["hasgroups"] == true {
			return nil, forbids("the user has more groups than its issuer writes into a JWT, "+
				"which has left out the claim /%s: have the issuer write only groups that are "+
				"assigned to the application, or its roles", first)
		}
		return nil, nil
	}
	if !p.verified(claims) {
		return nil, errEmail
	}
	return v, nil
}

// verified reports whether what stands at a place is no e-mail address, or one that its issuer has
// verified: beside each step that is called so stands email_verified.
func (p Pointer) verified(claims object) bool {
	for i, step := range p.tokens {
		if strings.EqualFold(step, "email") || strings.EqualFold(step, "emails") {
			o, _ := Pointer{p.tokens[:i]}.in(claims).(object)
			if o["email_verified"] != true {
				return false
			}
		}
	}
	return true
}

// texts returns the texts that a claim has: itself, or those of a list. nil: it is neither.
func texts(p Pointer, v any) []string {
	switch v := v.(type) {
	case string:
		if last := p.tokens[len(p.tokens)-1]; last == "scope" || last == "scp" {
			return strings.Fields(v) // RFC 8693, section 4.2
		}
		return []string{v}
	case []any:
		list := make([]string, 0, len(v))
		for _, item := range v {
			if text, is := item.(string); is {
				list = append(list, text)
			}
		}
		return list
	}
	return nil
}

// holds reports whether a claim is a value, or a list that has it.
func holds(p Pointer, v any, value string) bool {
	switch v := v.(type) {
	case number:
		return string(v) == value
	case bool:
		return strconv.FormatBool(v) == value
	}
	return slices.Contains(texts(p, v), value)
}
