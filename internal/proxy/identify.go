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
// 400 or 401.
func (g *Gate) Identify(h http.Header) (auth.Principal, error) {
	p, err := g.authenticate(h)
	if err != nil {
		return auth.Principal{}, err
	}
	names := h[userHeader]
	if len(names) == 0 || !p.ActAs {
		return p, nil
	}
	if len(names) > 1 || names[0] == "" {
		// Whoever is in front may have added its own to that of its client.
		return auth.Principal{}, openai.InvalidRequest("", "X-User-ID must be sent once, with a name")
	}
	user := names[0]
	if err := auth.CheckUser(user); err != nil {
		return auth.Principal{}, openai.InvalidRequest("", "X-User-ID: %v", err)
	}
	return p.As(user), nil
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

// identify finds out who sent the request.
func (x *exchange) identify() error {
	var err error
	x.principal, err = x.h.gate.Identify(x.r.Header)
	return err
}
