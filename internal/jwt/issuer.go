package jwt

import (
	"slices"
	"strings"
	"time"
)

// Kinds of tokens by the member typ of their header.
const (
	TypeAccess = "at+jwt" // an access token (RFC 9068)
	TypeJWT    = "JWT"    // any; also that of a token which does not say what it is
)

// Issuer says whose tokens are taken, and what they mean. Name, Audiences, Algorithms, Types, Keys,
// MaxLifetime and Map.User are required. It is not changed once a Verifier has it.
type Issuer struct {
	Name       string // exactly as its tokens have it
	Audiences  []string
	Algorithms []Algorithm
	Types      []string // TypeAccess, TypeJWT
	// IDTokens takes also tokens that are made for a client to know who its user is.
	IDTokens    bool
	Keys        *KeySet
	Leeway      time.Duration // by which clocks may differ
	MaxLifetime time.Duration // of a token
	Require     []Requirement
	Map         Mapping
}

// Requirement is a claim that a token must have: the value itself, or a list that holds it.
type Requirement struct {
	Claim Pointer
	Value string
}

// check asks of a token what its issuer is asked for, and finds the key that has signed it.
func (i *Issuer) check(t *token, now time.Time) (*Key, *Failure) {
	if f := i.checkType(t); f != nil {
		return nil, f
	}
	k, f := i.checkSignature(t)
	if f != nil {
		return nil, f
	}
	if f := i.checkAudience(t.claims["aud"]); f != nil {
		return nil, f
	}
	if f := i.checkTimes(t.claims, now); f != nil {
		return nil, f
	}
	for _, r := range i.Require {
		if f := r.check(t.claims); f != nil {
			return nil, f
		}
	}
	return k, nil
}

// checkType refuses tokens that are made for something else than to be sent here.
func (i *Issuer) checkType(t *token) *Failure {
	kind, text := TypeJWT, false
	if v, has := t.header["typ"]; has {
		kind, text = v.(string)
		if !text {
			return fails(CheckType, "the typ of the JWT's header is no text")
		}
	}
	const application = "application/" // may be left out: RFC 7515, section 4.1.9
	if len(kind) > len(application) && strings.EqualFold(kind[:len(application)], application) {
		kind = kind[len(application):]
	}
	is := func(taken string) bool { return strings.EqualFold(taken, kind) }
	switch {
	case !slices.ContainsFunc(i.Types, is):
		return fails(CheckType, "the JWT is of a type that is not taken of its issuer (typ)")
	case !i.IDTokens && isIDToken(t.claims):
		return fails(CheckType, "the JWT is an ID token: send an access token")
	case isOther(t.claims):
		return fails(CheckType, "the JWT is made for something else than to be sent here")
	case t.claims["cnf"] != nil:
		return fails(CheckType, "the JWT is bound to a key of its client (cnf), "+
			"of which a bearer token has no proof")
	}
	return nil
}

// isIDToken reports whether claims are those of an ID token (OpenID Connect Core, sections 2 and
// 3.1.3.6), as far as that can be seen. Keycloak says it in a claim, and older ones of it have
// a nonce in access tokens too.
func isIDToken(claims object) bool {
	_, access := claims["at_hash"]
	_, code := claims["c_hash"]
	_, nonce := claims["nonce"]
	return access || code || claims["typ"] == "ID" || nonce && claims["typ"] != "Bearer"
}

// isOther reports whether claims are those of what an issuer signs for others: events, such as that
// a user has logged out (RFC 8417, section 2.2), and what Keycloak says of tokens for itself.
func isOther(claims object) bool {
	_, events := claims["events"]
	return events || claims["typ"] == "Refresh" || claims["typ"] == "Offline" ||
		claims["typ"] == "Logout"
}

// checkSignature returns the key that has signed a token.
func (i *Issuer) checkSignature(t *token) (*Key, *Failure) {
	name, _ := t.header["alg"].(string)
	a := Algorithm(name)
	if !slices.Contains(i.Algorithms, a) {
		return nil, fails(CheckAlgorithm,
			"the JWT is signed by an algorithm that is not taken of its issuer")
	}
	id, f := keyID(t.header)
	switch {
	case f != nil:
		return nil, f
	case !i.Keys.Known():
		f = fails(CheckKey, "the keys of the JWT's issuer are not known yet")
		f.Unreached = true
		return nil, f
	}
	keys := i.Keys.find(id, a)
	switch {
	case len(keys) == 0:
		f = fails(CheckKey, "the JWT names a key that its issuer does not have")
		f.Unreached = i.Keys.missed(t.signed)
		return nil, f
	case len(keys) > candidatesMax ||
		len(keys) > 1 && id == "" && slices.ContainsFunc(keys, (*Key).named):
		return nil, fails(CheckKey, "the JWT does not say which key of its issuer has signed it")
	}
	for _, k := range keys {
		if k.verifies(a, t.signed, t.signature) {
			return k, nil
		}
	}
	f = fails(CheckSignature, "the signature of the JWT is not its issuer's")
	if slices.ContainsFunc(keys, (*Key).unnamed) { // another may have taken its place
		f.Unreached = i.Keys.missed(t.signed)
	}
	return nil, f
}

// keyID returns which key a header names; "" for none.
func keyID(header object) (string, *Failure) {
	v, has := header["kid"]
	id, text := v.(string)
	if has && (!text || id == "" || len(id) > idBytesMax) {
		return "", fails(CheckKey, "the kid of the JWT is no text of at most 256 bytes")
	}
	return id, nil
}

// checkAudience looks for one of the audiences, as a whole.
func (i *Issuer) checkAudience(v any) *Failure {
	list, is := v.([]any)
	if !is {
		list = []any{v}
	}
	found := false
	for _, item := range list {
		text, is := item.(string)
		if !is {
			return fails(CheckAudience, "the JWT has no audience (aud), or one that is no text")
		}
		found = found || slices.Contains(i.Audiences, text)
	}
	if !found {
		return fails(CheckAudience, "the JWT is for another audience (aud)")
	}
	return nil
}

func (r *Requirement) check(claims object) *Failure {
	v, f := find(r.Claim, claims)
	switch {
	case f != nil && f.Forbidden:
		return f
	case f != nil || !holds(r.Claim, v, r.Value):
		return fails(CheckRequired,
			"the JWT lacks what is required of its claim "+r.Claim.String())
	}
	return nil
}
