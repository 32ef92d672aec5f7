package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/token-rate-limiter/token-rate-limiter/internal/binding"
	"github.com/token-rate-limiter/token-rate-limiter/internal/jwt"
)

// issuers checks that each issuer has what it needs, and that users of two are never one.
func (k checking) issuers() {
	list := k.root.Find("auth", "jwt", "issuers")
	for at := range k.Auth.JWT.Issuers {
		i, n := &k.Auth.JWT.Issuers[at], list.Items[at]
		if k.Has(n.Path) {
			continue
		}
		k.issuer(i, n)
		for before := range at {
			k.together(&k.Auth.JWT.Issuers[before], i, before, n)
		}
	}
}

// issuer checks one issuer.
func (k checking) issuer(i *Issuer, n *binding.Node) {
	if missing := i.missing(); len(missing) > 0 {
		k.AddAt(n, "", "has no "+binding.Either(missing), "write issuer, audiences and algorithms")
		return
	}
	k.material(i, n)
	if len(i.Types) == 0 {
		k.AddAt(n, "", "takes no type of token", "write types: [at+jwt], or [JWT]")
	}
	if len(k.Auth.JWT.Issuers) > 1 && i.Map.User.Prefix == "" {
		k.AddAt(n, "", "has no map.user.prefix, and there are several issuers: users of the same "+
			"name would share accounts", "write map: {user: {prefix: ...}} for each, such as corp:")
	}
	for at := range i.Map.Roles {
		if r := &i.Map.Roles[at]; r.Claim == "" || r.Has == "" || r.Give == "" {
			k.AddAt(n.Get("map").Get("roles").Items[at], "", "has not claim, has and give",
				"write all three")
		}
	}
	k.tenant(&i.Map.Tenant, n.Get("map").Get("tenant"))
}

// tenant checks that what names a tenant can tell tenants apart.
func (k checking) tenant(t *TenantClaim, n *binding.Node) {
	match, err := jwt.CompileMatch(t.Match)
	switch {
	case t.Claim == "" && (t.Match != "" || t.Value != ""):
		k.AddAt(n, "", "has no claim", "write claim: /groups, or another")
	case t.Match == "" && t.Value != "":
		k.AddAt(n, "", "has a value, and no match whose groups it has",
			"write match: ^llm-(.+)$, or another; without value the tenant is the claim itself")
	case err == nil && t.Match != "":
		if err := jwt.CheckValue(match, t.Value); err != nil {
			k.AddAt(n.Get("value"), "", err.Error(), "write $1 for the first group of match")
		}
	}
}

// missing names the settings that an issuer lacks.
func (i *Issuer) missing() (names []string) {
	for at, lacks := range []bool{i.Name == "", len(i.Audiences) == 0, len(i.Algorithms) == 0} {
		if lacks {
			names = append(names, [...]string{"issuer", "audiences", "algorithms"}[at])
		}
	}
	return names
}

// material checks what the tokens of an issuer are verified with. It is of one origin, so that it
// is never in doubt what a key is for.
func (k checking) material(i *Issuer, n *binding.Node) {
	secret := func(a jwt.Algorithm) bool { return a.SecretBytesMin() > 0 }
	shared := slices.ContainsFunc(i.Algorithms, secret)
	public := slices.ContainsFunc(i.Algorithms, func(a jwt.Algorithm) bool { return !secret(a) })
	switch {
	case shared && public:
		k.AddAt(n, "", "has algorithms with a secret (HS...) and with public keys",
			"write those that the issuer signs by")
	case shared && (len(i.Keys) > 0 || i.JWKSURL != ""):
		k.AddAt(n, "", "has keys or a jwks-url, and its algorithms take a secret",
			"write secret, or the algorithms of the keys, such as RS256")
	case shared && i.Secret == "":
		k.AddAt(n, "", "has no secret",
			`write secret: "${NAME}", with the variable NAME or NAME_FILE`)
	case shared:
		k.secret(i, n)
	case i.Secret != "":
		k.AddAt(n.Get("secret"), "", "is for none of the algorithms",
			"write HS256, HS384 or HS512 as the algorithm, or remove it")
	case len(i.Keys) > 0 && i.JWKSURL != "":
		k.AddAt(n, "", "has keys and a jwks-url", "write one of the two")
	case len(i.Keys) > 0:
		k.keys(i, n)
	case i.JWKSURL == "":
		k.discovered(i, n)
	}
}

func (k checking) secret(i *Issuer, n *binding.Node) {
	for _, a := range i.Algorithms {
		if least := a.SecretBytesMin(); len(i.Secret) < least {
			k.AddAt(n.Get("secret"), "", fmt.Sprintf("has %d bytes, and %s needs %d",
				len(i.Secret), a, least), "make one with: openssl rand -base64 48")
		}
	}
}

func (k checking) keys(i *Issuer, n *binding.Node) {
	var keys []*jwt.Key
	for at, text := range i.Keys {
		key, err := jwt.ParseKey(text)
		if err != nil {
			continue // it has been told
		}
		keys = append(keys, key)
		if !slices.ContainsFunc(i.Algorithms, key.Fits) {
			k.AddAt(n.Get("keys").Items[at], "", "fits none of the algorithms",
				"write the algorithm that it is for, or another key")
		}
	}
	if most := 16; len(i.Keys) > most {
		k.AddAt(n.Get("keys"), strconv.Itoa(len(i.Keys)), "are too many keys",
			fmt.Sprintf("write at most %d, or jwks-url", most))
		return
	}
	if err := jwt.CheckKeys(keys, i.Algorithms); err != nil {
		k.AddAt(n.Get("keys"), "", err.Error()+", so that JWTs that name none are refused",
			"write each as a JWK with a kid, which the JWTs name, or fewer keys")
	}
}

// discovered checks that keys can be looked for at the issuer.
func (k checking) discovered(i *Issuer, n *binding.Node) {
	m := keysURL(i.Name)
	if m == nil && strings.Contains(i.Name, "?") {
		m = binding.Wrong("has a query", "")
	}
	if m != nil {
		k.AddAt(n.Get("issuer"), "", m.Problem+", so that no keys can be discovered there",
			"write jwks-url, keys or secret")
	}
}

// claims warns of claims that are read, and change nothing yet.
func (k checking) claims() {
	list := k.root.Find("auth", "jwt", "issuers")
	for at := range k.Auth.JWT.Issuers {
		m, n := &k.Auth.JWT.Issuers[at].Map, list.Items[at].Get("map")
		if m.Limits.Claim != "" {
			k.AddAt(n.Get("limits"), "", "is read, and limits nobody in this version", "remove it")
		}
	}
}

// together checks an issuer and one before it.
func (k checking) together(other, i *Issuer, before int, n *binding.Node) {
	a, b := other.Map.User.Prefix, i.Map.User.Prefix
	switch {
	case i.Name != "" && i.Name == other.Name:
		k.AddAt(n, "", fmt.Sprintf("has the issuer of auth.jwt.issuers[%d]", before),
			"list each issuer once")
	case a != "" && b != "" && (strings.HasPrefix(a, b) || strings.HasPrefix(b, a)):
		k.AddAt(n, "", fmt.Sprintf("has a map.user.prefix that begins as that of "+
			"auth.jwt.issuers[%d], or the other way round: users of both could share accounts",
			before), "write prefixes of which none begins with another, such as a: and b:")
	}
}
