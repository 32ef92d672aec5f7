package proxy

import (
	"log/slog"
	"net/http"
	"net/netip"
	"strings"

	"github.com/token-rate-limiter/token-rate-limiter/internal/auth"
	"github.com/token-rate-limiter/token-rate-limiter/internal/openai"
)

// userHeader names the user on whose behalf a request is sent.
const userHeader = "X-User-Id"

// anonymous is the user of requests that name none while authentication is
// off.
const anonymous = "anonymous"

// Gate identifies callers by their credentials. It is safe for concurrent use.
type Gate struct {
	keys    func() *auth.Keys // nil, or returning nil: authentication is off
	log     *slog.Logger      // nil: refusals leave no line
	trusted []netip.Prefix    // proxies, whose word about a client's address is taken
}

// known returns the keys that are known at the moment; nil while authentication
// is off.
func (g *Gate) known() *auth.Keys {
	if g.keys == nil {
		return nil
	}
	return g.keys()
}

// Identify returns the principal of a request, or an *openai.Error of status
// 400, 401 or 403, beside the principal as far as it is known.
func (g *Gate) Identify(h http.Header) (auth.Principal, error) {
	p, err := g.authenticate(h)
	if err != nil {
		return p, err
	}
	user, err := namedUser(h)
	if err != nil || user == "" {
		return p, err
	}
	if !p.ActAs && user != p.User {
		// The message has no names, for it is logged where names may have to be hashed.
		return p, openai.PermissionDenied("X-User-ID names another user than the one of this credential, which may not act for others: " +
			"leave X-User-ID out, or have act-as: true set for it in auth.api-keys")
	}
	return p.As(user), nil
}

// namedUser returns the user whom X-User-ID names; "" where it is not sent.
func namedUser(h http.Header) (string, error) {
	names := h[userHeader]
	if len(names) == 0 {
		return "", nil
	}
	if len(names) > 1 || names[0] == "" {
		// Whoever is in front may have added its own to that of its client.
		return "", openai.InvalidRequest("", "X-User-ID must be sent once, with a name")
	}
	if strings.Contains(names[0], ",") {
		return "", openai.InvalidRequest("", "X-User-ID has a comma, by which proxies join two of it: send it once, with a name that has none")
	}
	if err := auth.CheckUser(names[0]); err != nil {
		return "", openai.InvalidRequest("", "X-User-ID: %v", err)
	}
	return names[0], nil
}

func (g *Gate) authenticate(h http.Header) (auth.Principal, error) {
	keys := g.known()
	if keys == nil {
		return auth.Principal{User: anonymous, Roles: everyRole, ActAs: true}, nil
	}
	credential, err := credentialOf(h)
	if err != nil {
		return auth.Principal{}, err
	}
	p, err := keys.Authenticate(credential)
	if err != nil {
		return auth.Principal{}, openai.InvalidKey("the API key is not known")
	}
	return *p, nil
}

var everyRole = []auth.Role{auth.User, auth.Admin}

// credentialOf returns the one credential of a request.
func credentialOf(h http.Header) (string, error) {
	if len(h["Authorization"]) > 1 || len(h["X-Api-Key"]) > 1 {
		return "", openai.InvalidKey("there is more than one credential; send one")
	}
	key := header(h, "X-Api-Key")
	authorization := header(h, "Authorization")
	if authorization == "" {
		if key == "" {
			return "", openai.InvalidKey("there is no API key; send it as: Authorization: Bearer KEY, or X-API-Key: KEY")
		}
		return key, nil
	}
	scheme, bearer, ok := strings.Cut(authorization, " ")
	bearer = strings.TrimSpace(bearer)
	if !ok || bearer == "" || !strings.EqualFold(scheme, "Bearer") {
		return "", openai.InvalidKey("the header Authorization must be: Bearer KEY")
	}
	if key != "" && key != bearer {
		return "", openai.InvalidKey("Authorization and X-API-Key differ; send one")
	}
	return bearer, nil
}

// header returns the first value of a field by its canonical name.
func header(h http.Header, name string) string {
	if v := h[name]; len(v) > 0 {
		return v[0]
	}
	return ""
}

// identify finds out who sent the request, and whether that one may use models.
func (x *exchange) identify() error {
	var err error
	x.principal, err = x.h.gate.Identify(x.r.Header)
	if err == nil && !x.principal.Is(auth.User) {
		return openai.PermissionDenied("this credential may look at everything and call no model, for it lacks the role user: " +
			"use another one, or add user to its roles in auth.api-keys")
	}
	return err
}
