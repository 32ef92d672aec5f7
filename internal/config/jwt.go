package config

import (
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/binding"
	"github.com/token-rate-limiter/token-rate-limiter/internal/httpsyntax"
	"github.com/token-rate-limiter/token-rate-limiter/internal/identity"
	"github.com/token-rate-limiter/token-rate-limiter/internal/jwt"
)

// JWT says whose JWTs are taken. The zero value: nobody's.
type JWT struct{ Issuers []Issuer }

// Issuer is who signs JWTs, and what they mean here.
type Issuer struct {
	Name        string   // exactly as JWTs have it
	Audiences   []string // never empty
	Algorithms  []jwt.Algorithm
	Types       []TokenType
	IDTokens    bool     // JWTs that are made for a client are taken too
	Secret      string   // secret; "" for none
	Keys        []string // PEM or JWK; empty for none
	JWKSURL     string   // "": discovered, where there is neither a secret nor a key
	CAFile      string   // authorities to trust; "" for the system's
	Refresh     time.Duration
	Leeway      time.Duration
	MaxLifetime time.Duration
	Require     map[string]string // values by the JSON pointers of claims
	Map         ClaimMap
}

// ClaimMap says what claims mean. A claim that is "" means nothing.
type ClaimMap struct {
	User   UserClaim
	Tenant TenantClaim
	Roles  []RoleClaim
	Models ModelsClaim
	Limits LimitsClaim
}

// UserClaim is the claim that names the user, and what is put before the name.
type UserClaim struct{ Claim, Prefix string }

// TenantClaim is the claim that names the tenant.
type TenantClaim struct {
	Claim   string
	Match   string // expression that a whole value matches; "" for any
	Value   string // with $1 for what Match has found; "" for the value itself
	Several Several
}

// RoleClaim gives a role to those whose claim is, or holds, a value.
type RoleClaim struct {
	Claim, Has string
	Give       identity.Role
}

// ModelsClaim is the claim that names the models a JWT is for.
type ModelsClaim struct{ Claim string }

// LimitsClaim is the claim that has limits.
type LimitsClaim struct {
	Claim string
	May   May
}

// Fetched reports whether the keys are read from the issuer.
func (i *Issuer) Fetched() bool { return i.Secret == "" && len(i.Keys) == 0 }

func (j *JWT) schema() binding.Object {
	return binding.Object{
		{"issuers", "Whose JWTs are taken, as API keys are.",
			binding.List[Issuer]{To: &j.Issuers, Fresh: newIssuer, Item: (*Issuer).schema}},
	}
}

func newIssuer() Issuer {
	return Issuer{
		Types: []TokenType{TypeAccess}, Refresh: 10 * time.Minute,
		Leeway: 30 * time.Second, MaxLifetime: 24 * time.Hour, Require: map[string]string{},
		Map: ClaimMap{
			User: UserClaim{Claim: "/sub"}, Tenant: TenantClaim{Several: SeveralRefuse},
			Limits: LimitsClaim{May: MayLower},
		},
	}
}

// leewayMax is by how much clocks may differ.
const leewayMax = time.Minute

func (i *Issuer) schema() binding.Target {
	return binding.Object{
		{"issuer", "Who signs the JWTs, exactly as their `iss` says; their keys are discovered " +
			"there, unless they come from elsewhere.",
			binding.Guarded(binding.Text(&i.Name, binding.NotEmpty, binding.AtMost(512))).
				Wants("the issuer, such as https://idp.example.com/realms/x")},
		{"audiences", "Of which a JWT must name one in `aud`.",
			binding.List[string]{To: &i.Audiences, Item: name}},
		{"algorithms", "By which the issuer signs.",
			binding.List[jwt.Algorithm]{To: &i.Algorithms, Item: algorithm}},
		{"types", "Kinds of JWTs that are taken, by the `typ` of the header: `at+jwt` is an " +
			"access token (RFC 9068), `JWT` anything, and whatever does not say what it is.",
			binding.List[TokenType]{To: &i.Types, Item: tokenType}},
		{"id-tokens", "Whether ID tokens are taken too, which are made for a client to know its " +
			"user.", binding.Boolean(&i.IDTokens)},
		{"secret", "Secret that the issuer signs with (HS256, HS384, HS512).",
			binding.Secret(&i.Secret)},
		{"keys", "Public keys of the issuer, in PEM or as JWK.",
			binding.List[string]{To: &i.Keys, Item: publicKey}},
		{"jwks-url", "Where the issuer publishes its keys; empty: where its discovery document " +
			"says, unless there is a secret or a key here.",
			binding.Guarded(binding.Text(&i.JWKSURL, binding.OrEmpty(keysURL))).
				Wants("an https URL")},
		{"ca-file", "Authorities to trust when keys are fetched; empty: the system's.",
			binding.FileName(&i.CAFile)},
		{"refresh-interval", "How often keys are fetched again.",
			binding.Duration(&i.Refresh, 10*time.Second)},
		{"leeway", "By how much the issuer's clock may differ; at most a minute.",
			atMost(binding.Duration(&i.Leeway, 0), &i.Leeway, leewayMax)},
		{"max-lifetime", "For how long a JWT may be good.",
			binding.Duration(&i.MaxLifetime, time.Second)},
		{"require", "Claims that a JWT must have, by JSON pointer: the value itself, " +
			"or a list that holds it.", binding.Entries[string]{
			To: &i.Require, Name: pointer, Fresh: func(string) string { return "" },
			Schema: func(to *string) binding.Target { return binding.Text(to, binding.NotEmpty) }}},
		{"map", "What claims mean; each is named by a JSON pointer.", i.Map.schema()},
	}
}

func (m *ClaimMap) schema() binding.Object {
	return binding.Object{
		{"user", "Whose accounts are charged.", binding.Object{
			{"claim", "The claim with the name; an e-mail address counts only with " +
				"`email_verified`.", claim(&m.User.Claim, pointer)},
			{"prefix", "What is put before the name; several issuers each need their own.",
				binding.Text(&m.User.Prefix, binding.Printable, binding.AtMost(64))},
		}},
		{"tenant", "Whose the user is. Without a tenant a JWT is a 403.", binding.Object{
			{"claim", "The claim with the tenant, or with groups; empty: there are no tenants.",
				claim(&m.Tenant.Claim, binding.OrEmpty(pointer))},
			{"match", "Expression (RE2) that the whole value matches; empty: any.",
				binding.Text(&m.Tenant.Match, expression, binding.AtMost(256))},
			{"value", "The tenant, with $1 for the first group of the expression; empty: the " +
				"value itself.", binding.Text(&m.Tenant.Value, binding.AtMost(256))},
			{"several", "What happens to a JWT that names several: a 403.",
				binding.Choice(&m.Tenant.Several, SeveralRefuse)},
		}},
		{"roles", "Who has which role. Everybody has the role user, unless an entry gives it.",
			binding.List[RoleClaim]{To: &m.Roles, Item: (*RoleClaim).schema}},
		{"models", "Which models a JWT is for.", binding.Object{
			{"claim", "The claim with their names; empty: all that its user may use.",
				claim(&m.Models.Claim, binding.OrEmpty(pointer))},
		}},
		{"limits", "Limits of a JWT.", binding.Object{
			{"claim", "The claim with the limits; empty: none.",
				claim(&m.Limits.Claim, binding.OrEmpty(pointer))},
			{"may", "What they may do to the limits of the user.",
				binding.Choice(&m.Limits.May, MayLower)},
		}},
	}
}

func (r *RoleClaim) schema() binding.Target {
	return binding.Object{
		{"claim", "The claim to look at.", claim(&r.Claim, pointer)},
		{"has", "What it is, or holds.", binding.Text(&r.Has, binding.NotEmpty)},
		{"give", "The role that its user has then.", role(&r.Give)},
	}
}

func algorithm(to *jwt.Algorithm) binding.Target { return binding.Choice(to, jwt.Algorithms()...) }

func tokenType(to *TokenType) binding.Target { return binding.Choice(to, TypeAccess, TypeJWT) }

func claim(to *string, rule func(string) *binding.Mistake) binding.Scalar {
	return binding.Text(to, rule).Wants("a JSON pointer such as /sub")
}

func pointer(s string) *binding.Mistake {
	if _, err := jwt.ParsePointer(s); err != nil {
		return binding.Wrong(err.Error(), "write a JSON pointer (RFC 6901), such as /sub or "+
			"/realm_access/roles; in names, ~1 is a slash and ~0 a tilde")
	}
	return nil
}

func expression(s string) *binding.Mistake {
	if _, err := jwt.CompileMatch(s); err != nil {
		return binding.Wrong("is no regular expression", "write one of RE2, such as ^llm-(.+)$")
	}
	return nil
}

// publicKey binds a key. What stands in its place may be a private one, and is not shown.
func publicKey(to *string) binding.Target {
	s := binding.Text(to, func(s string) *binding.Mistake {
		if _, err := jwt.ParseKey(s); err != nil {
			return binding.Wrong(err.Error(), "write a public key in PEM, or a JWK in quotes")
		}
		return nil
	}).Wants("public keys in PEM, or JWKs in quotes")
	s.Show = func(string) string { return "***" }
	return s
}

// atMost bounds a duration.
func atMost(s binding.Scalar, to *time.Duration, most time.Duration) binding.Scalar {
	parse, before := s.Parse, *to
	s.Parse = func(text string) *binding.Mistake {
		m := parse(text)
		if m == nil && *to > most {
			*to = before
			m = binding.Wrong("is too long", "write at most "+most.String())
		}
		return m
	}
	return s
}

// keysURL takes an address that keys can be believed from.
func keysURL(s string) *binding.Mistake {
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Opaque != "" || u.Host == "" || binding.Printable(s) != nil ||
		strings.Contains(s, " ") || !httpsyntax.ValidHost(u.Host):
		return binding.Wrong("is not a URL", "write an https URL")
	case u.User != nil || u.Fragment != "":
		return binding.Wrong("holds credentials or a fragment", "write an https URL without them")
	case u.Scheme != "https" && (u.Scheme != "http" || !isLoopback(u.Hostname())):
		return binding.Wrong("is not https", "write an https URL: whoever can change what comes "+
			"over plain http can sign tokens; http is for this machine only, as 127.0.0.1")
	}
	return nil
}

// isLoopback reports whether a host is this machine.
func isLoopback(host string) bool {
	a, err := netip.ParseAddr(host)
	return err == nil && a.IsLoopback() || host == "localhost"
}
