package config

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/token-rate-limiter/token-rate-limiter/internal/identity"
	"github.com/token-rate-limiter/token-rate-limiter/internal/jwt"
)

// wantIssuers checks what vocabulary.yml says of issuers.
func wantIssuers(t *testing.T, got []Issuer) {
	t.Helper()
	if len(got) != 3 {
		t.Fatalf("%d issuers", len(got))
	}
	want := Issuer{
		Name: "https://idp.example.com/realms/x", Audiences: []string{"gateway", "other"}, Algorithms: []jwt.Algorithm{"RS256", "ES256"},
		Types: []TokenType{TypeAccess, TypeJWT}, IDTokens: true, JWKSURL: "https://idp.example.com/keys", CAFile: "ca.pem",
		Refresh: 5 * time.Minute, Leeway: time.Minute, MaxLifetime: 12 * time.Hour, Require: map[string]string{"/tid": "42", "/a~1b/0": "yes"},
		Map: ClaimMap{
			User:   UserClaim{"/oid", "a:"},
			Tenant: TenantClaim{"/groups", "^llm-([a-z0-9]+)$", "$1", SeveralRefuse},
			Roles:  []RoleClaim{{"/groups", "llm-admins", identity.Admin}},
			Models: ModelsClaim{"/models"}, Limits: LimitsClaim{"/limits", MayLower},
		},
	}
	if diff := cmp.Diff(want, got[0]); diff != "" {
		t.Error("issuer (-want +got):\n" + diff)
	}
	want = newIssuer()
	want.Name, want.Audiences, want.Algorithms = "portal", []string{"gateway"}, []jwt.Algorithm{"HS256"}
	want.Secret, want.Map.User.Prefix = "hunter2-hunter2-hunter2-hunter2-hunter2", "b:"
	if diff := cmp.Diff(want, got[1]); diff != "" {
		t.Error("issuer with defaults (-want +got):\n" + diff)
	}
	if _, err := jwt.ParseKey(got[2].Keys[0]); err != nil {
		t.Error(err)
	}
}

const (
	publicPEM = `-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEx6gsyhs9LOgLdURhYZ9SRoAh7As5
fZyewx8vPsiOAHmxvjcEVf5f+5GVrh1MmZfLNWsKrpcbN8t8K7URK59NNA==
-----END PUBLIC KEY-----`
	publicJWK  = `{"kty":"EC","crv":"P-256","kid":"a","x":"x6gsyhs9LOgLdURhYZ9SRoAh7As5fZyewx8vPsiOAHk","y":"sb43BFX-X_uRla4dTJmXyzVrCq6XGzfLfCu1ESufTTQ"}`
	privatePEM = `-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIKhYaN57r7/O0+x7/8NpjPUgrKDoO0FxzYn78VefIQUc
-----END PRIVATE KEY-----` // made for this test
)

// TestMistakesOfIssuers: each names the setting, what is wrong and what to write, and shows neither a
// secret nor what may be one.
func TestMistakesOfIssuers(t *testing.T) {
	quoted := func(pem string) string { return `"` + strings.ReplaceAll(pem, "\n", `\n`) + `"` }
	const base, short = "issuer: https://i, audiences: [a], algorithms: [RS256]", "hunter2-hunter2-hunter2"
	for issuer, want := range map[string]string{
		"{}": ": has no issuer, audiences or algorithms; write issuer, audiences and algorithms",
		"{issuer: https://i, algorithms: [RS256]}":                                                                    ": has no audiences; write issuer, audiences and algorithms",
		"{issuer: https://i, audiences: [], algorithms: [RS256]}":                                                     ": has no audiences; write issuer, audiences and algorithms",
		"{" + base + ", types: []}":                                                                                   ": takes no type of token; write types: [at+jwt], or [JWT]",
		"{issuer: https://i, audiences: [a], algorithms: [none]}":                                                     `.algorithms[0]: "none" is not a choice; write ES256, ES384, ES512, EdDSA, HS256, HS384, HS512, PS256, PS384, PS512, RS256, RS384 or RS512`,
		"{issuer: portal, audiences: [a], algorithms: [RS256]}":                                                       ".issuer: is not a URL, so that no keys can be discovered there; write jwks-url, keys or secret",
		"{issuer: http://i, audiences: [a], algorithms: [RS256]}":                                                     ".issuer: is not https, so that no keys can be discovered there; write jwks-url, keys or secret",
		"{" + base + ", jwks-url: http://i}":                                                                          `.jwks-url: "http://i" is not https; write an https URL: whoever can change what comes over plain http can sign tokens; http is for this machine only, as 127.0.0.1`,
		"{" + base + ", jwks-url: https://u:hunter2@i}":                                                               `.jwks-url: "***@i" holds credentials or a fragment; write an https URL without them`,
		"{" + base + ", secret: " + short + "}":                                                                       ".secret: is for none of the algorithms; write HS256, HS384 or HS512 as the algorithm, or remove it",
		"{issuer: i, audiences: [a], algorithms: [HS256]}":                                                            `: has no secret; write secret: "${NAME}", with the variable NAME or NAME_FILE`,
		"{issuer: i, audiences: [a], algorithms: [HS256], secret: " + short + "}":                                     ".secret: has 23 bytes, and HS256 needs 32; make one with: openssl rand -base64 48",
		"{issuer: i, audiences: [a], algorithms: [HS256, RS256], secret: " + short + "}":                              ": has algorithms with a secret (HS...) and with public keys; write those that the issuer signs by",
		"{issuer: i, audiences: [a], algorithms: [HS256], keys: [" + quoted(publicPEM) + "]}":                         ": has keys or a jwks-url, and its algorithms take a secret; write secret, or the algorithms of the keys, such as RS256",
		"{" + base + ", keys: [" + quoted(publicPEM) + "]}":                                                           ".keys[0]: fits none of the algorithms; write the algorithm that it is for, or another key",
		"{" + base + ", keys: [" + quoted(privatePEM) + "]}":                                                          ".keys[0]: *** is a private key, which only its issuer may have; write a public key in PEM, or a JWK in quotes",
		"{" + base + ", keys: [hunter2]}":                                                                             ".keys[0]: *** is neither a public key in PEM nor a JWK; write a public key in PEM, or a JWK in quotes",
		"{issuer: i, audiences: [a], algorithms: [ES256], jwks-url: https://i, keys: [" + quoted(publicPEM) + "]}":    ": has keys and a jwks-url; write one of the two",
		"{issuer: i, audiences: [a], algorithms: [ES256], keys: [" + strings.Repeat(quoted(publicPEM)+", ", 5) + "]}": `.keys: has 5 keys without a name for ES256, and at most 4 are tried, so that JWTs that name none are refused; write each as a JWK with a kid, which the JWTs name, or fewer keys`,
		"{issuer: i, audiences: [a], algorithms: [ES256], keys: [" + quoted(publicPEM) + ", '" + publicJWK + "']}":    ".keys: has keys with a name and without one for ES256, so that",
		"{" + base + ", map: {tenant: {claim: /x, match: '^llm-(.+)$', value: 't-$1_x'}}}":                            `.map.tenant.value: names a group that match has not, $1_x: a name goes on with letters`,
		"{" + base + ", map: {tenant: {claim: /x, match: '^llm-.+$', value: '$1'}}}":                                  ".map.tenant.value: names a group that match has not, $1",
		"{" + base + ", map: {tenant: {claim: /x, value: 'x'}}}":                                                      ".map.tenant: has a value, and no match whose groups it has; write match: ^llm-(.+)$, or another; without value the tenant is the claim itself",
		"{" + base + ", leeway: 61s}":                                                                                 `.leeway: "61s" is too long; write at most 1m0s`,
		"{" + base + ", require: {tid: 1}}":                                                                           `.require.tid: is no JSON pointer to a claim; write a JSON pointer (RFC 6901), such as /sub or /realm_access/roles; in names, ~1 is a slash and ~0 a tilde`,
		"{" + base + ", map: {user: {claim: sub}}}":                                                                   `.map.user.claim: "sub" is no JSON pointer to a claim; write a JSON pointer (RFC 6901), such as /sub or /realm_access/roles; in names, ~1 is a slash and ~0 a tilde`,
		"{" + base + ", map: {roles: [{claim: /x, has: y}]}}":                                                         ".map.roles[0]: has not claim, has and give; write all three",
		"{" + base + ", map: {tenant: {match: x}}}":                                                                   ".map.tenant: has no claim; write claim: /groups, or another",
		"{" + base + ", map: {tenant: {claim: /x, match: '('}}}":                                                      `.map.tenant.match: "(" is no regular expression; write one of RE2, such as ^llm-(.+)$`,
	} {
		err := mistakesOf("auth: {jwt: {issuers: [" + issuer + "]}}")
		text := ""
		if err != nil {
			text = err.Error()
		}
		if !strings.Contains(text, "auth.jwt.issuers[0]"+want) || strings.Contains(text, "hunter2") || strings.Contains(text, "PRIVATE") || strings.Count(text, "auth.jwt") != 1 {
			t.Errorf("%s: %v, want %q", issuer, err, want)
		}
	}
}

// TestWarningsOfClaims: what is read of a token and changes nothing yet is told.
func TestWarningsOfClaims(t *testing.T) {
	const base = "auth: {jwt: {issuers: [{issuer: https://i, audiences: [a], algorithms: [RS256], map: "
	c := load(t, base+"{tenant: {claim: /t}, limits: {claim: /l}, models: {claim: /m}}}]}}", nil)
	var got []string
	for _, w := range c.Warnings {
		if strings.HasPrefix(w.Path, "auth.jwt") {
			got = append(got, w.Path+" "+w.Problem)
		}
	}
	want := []string{
		"auth.jwt.issuers[0].map.limits is read, and limits nobody in this version",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestMistakesOfSeveralIssuers: users of two are never one.
func TestMistakesOfSeveralIssuers(t *testing.T) {
	const base = "audiences: [a], algorithms: [RS256], map: {user: {prefix: "
	for prefixes, want := range map[[3]string]string{
		{"https://a", "'a:'", "'b:'"}:  "",
		{"https://a", "'a:'", "''"}:    "auth.jwt.issuers[1]: has no map.user.prefix",
		{"https://a", "''", "'b:'"}:    "auth.jwt.issuers[0]: has no map.user.prefix",
		{"https://a", "'a:'", "'a:b'"}: "auth.jwt.issuers[1]: has a map.user.prefix that begins as that of auth.jwt.issuers[0]",
		{"https://a", "'a:b'", "'a:'"}: "auth.jwt.issuers[1]: has a map.user.prefix that begins as that of auth.jwt.issuers[0]",
		{"https://b", "'a:'", "'b:'"}:  "auth.jwt.issuers[1]: has the issuer of auth.jwt.issuers[0]",
	} {
		err := mistakesOf("auth: {jwt: {issuers: [{issuer: " + prefixes[0] + ", " + base + prefixes[1] + "}}}, {issuer: https://b, " + base + prefixes[2] + "}}}]}}")
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, want %q", prefixes, err, want)
		}
	}
}
