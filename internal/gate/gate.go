// Package gate finds out who sends a request: it takes the credential out of the header and
// asks an identity.Authenticator. Both the data plane and administration stand behind it.
//
// Invariants: a principal comes from a credential alone; who is disabled does not come in, whatever
// the credential, and is not named. X-User-ID names another user only for a principal that may act
// for others, and an address only serves people who read the log.
package gate

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/failure"
	"github.com/token-rate-limiter/token-rate-limiter/internal/identity"
)

// userHeader names the user on whose behalf a request is sent.
const userHeader = "X-User-Id"

// identityWait is when to come back while credentials cannot be checked.
const identityWait = time.Second

// Gate identifies callers by their credentials. It is safe for concurrent use, not for changes.
type Gate struct {
	// Authenticator is required. It returns what knows the credentials at the moment, never nil.
	// identity.Anyone needs none.
	Authenticator func() identity.Authenticator
	// Census returns who may not come in at the moment, and nil while that is not known: nobody
	// comes in then who needs a credential. Where the field is nil, everybody may.
	Census func() *identity.Census
	Log    *slog.Logger // takes a line for each refusal of Principal; nil: there are none
	// TrustedProxies are the networks whose X-Forwarded-For tells who the client is, for the log.
	TrustedProxies []netip.Prefix
}

// Identify returns the principal of a request. It fails with a [*failure.Error], beside the
// principal as far as it is known, or with the error of a context that has ended. Where the
// Authenticator could not find out whose a credential is, that is [failure.KindNoIdentity].
func (g *Gate) Identify(ctx context.Context, h http.Header) (identity.Principal, error) {
	p, census, err := g.authenticate(ctx, h)
	if err != nil {
		return p, err
	}
	if refused := census.Refuses(p.Tenant, p.User); refused != 0 {
		return p, disabled(refused)
	}
	census.Resolve(&p)
	user, err := namedUser(h)
	if err != nil || user == "" {
		return p, err
	}
	if !p.ActAs && user != p.User {
		// The message has no names, for it is logged where names may have to be hashed.
		return p, failure.Permission("X-User-ID names another user than the one of this " +
			"credential, which may not act for others: leave X-User-ID out, or send a key that " +
			"may (act-as)")
	}
	if census.Refuses(p.Tenant, user) != 0 {
		return p, failure.UserDisabled()
	}
	return p.As(user), nil
}

// disabled returns what to say of somebody who may not come in.
func disabled(why identity.Refused) error {
	if why == identity.TenantDisabled {
		return failure.TenantDisabled()
	}
	return failure.UserDisabled()
}

// namedUser returns the user whom X-User-ID names; "" where it is not sent.
func namedUser(h http.Header) (string, error) {
	names := h[userHeader]
	if len(names) == 0 {
		return "", nil
	}
	if len(names) > 1 || names[0] == "" {
		// Whoever is in front may have added its own to that of its client.
		return "", failure.InvalidRequest("", "X-User-ID must be sent once, with a name")
	}
	if strings.Contains(names[0], ",") {
		return "", failure.InvalidRequest("", "X-User-ID has a comma, by which proxies join two "+
			"of it: send it once, with a name that has none")
	}
	if err := identity.CheckUser(names[0]); err != nil {
		return "", failure.InvalidRequest("", "X-User-ID: %v", err)
	}
	return names[0], nil
}

// authenticate returns whose the credential of a request is, and who may not come in: as of the
// moment at which it was found, or of a later one.
func (g *Gate) authenticate(
	ctx context.Context, h http.Header,
) (p identity.Principal, c *identity.Census, err error) {
	known := g.Authenticator()
	var credential string
	if !known.Open() { // who needs none may send anything
		var err error
		if credential, err = credentialOf(h); err != nil {
			return p, nil, err
		}
	}
	proof, err := known.Authenticate(ctx, credential)
	if err != nil {
		return p, nil, unproved(ctx, err)
	}
	if c = proof.Census; c == nil && g.Census != nil && !known.Open() {
		if c = g.Census(); c == nil {
			return p, nil, failure.NoIdentity(identityWait).Because(errNoCensus)
		}
	}
	return *proof.Principal, c, nil
}

// errNoCensus says why somebody whose credential is known does not come in.
var errNoCensus = errors.New("the control database was not heard since the start, and nobody " +
	"knows who is disabled")

// unproved returns what to say where an Authenticator has failed.
func unproved(ctx context.Context, err error) error {
	if refusal, is := errors.AsType[*identity.Refusal](err); is {
		why := failure.InvalidKey("%s", refusal.Message)
		if refusal.Forbidden {
			why = failure.Permission("%s", refusal.Message)
		}
		return why.Because(errors.New("the check " + refusal.Check + " failed"))
	}
	switch {
	case errors.Is(err, identity.ErrUnknown):
		return failure.InvalidKey("the API key is not known")
	case ctx.Err() != nil:
		return ctx.Err()
	}
	return failure.NoIdentity(identityWait).Because(err)
}

// credentialOf returns the one credential of a request.
func credentialOf(h http.Header) (string, error) {
	keys, authorizations := h["X-Api-Key"], h["Authorization"]
	if len(keys) > 1 || len(authorizations) > 1 {
		return "", failure.InvalidKey("there is more than one credential; send one")
	}
	key, authorization := strings.Join(keys, ""), strings.Join(authorizations, "") // of one at most
	switch {
	case authorization == "" && key == "":
		return "", failure.InvalidKey("there is no API key; " +
			"send it as: Authorization: Bearer KEY, or X-API-Key: KEY")
	case authorization == "":
		return key, nil
	}
	scheme, bearer, ok := strings.Cut(authorization, " ")
	bearer = strings.TrimSpace(bearer)
	if !ok || bearer == "" || !strings.EqualFold(scheme, "Bearer") {
		return "", failure.InvalidKey("the header Authorization must be: Bearer KEY")
	}
	if key != "" && key != bearer {
		return "", failure.InvalidKey("Authorization and X-API-Key differ; send one")
	}
	return bearer, nil
}
