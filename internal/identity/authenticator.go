package identity

import (
	"context"
	"time"
)

// Authenticator finds out whose a credential is. It is safe for concurrent use. [Keys] is one.
type Authenticator interface {
	// Authenticate returns the proof of a credential, or [ErrUnknown] where it is nobody's. Any
	// other error says that it could not be found out.
	Authenticate(ctx context.Context, credential string) (Proof, error)
	// Open reports whether everybody is let in, whatever credential is sent or none.
	Open() bool
}

// Anonymous is the user of requests that name none while authentication is off.
const Anonymous = "anonymous"

// Anyone is the Authenticator of a gateway without authentication: whoever comes may do
// everything, in anybody's name, and needs no credential for it.
type Anyone struct{}

var anyone = Principal{
	User: Anonymous, Account: Anonymous, Roles: []Role{User, Admin}, ActAs: true,
	Permissions: PermissionsOf([]Role{User, Admin}),
}

// Open implements Authenticator.
func (Anyone) Open() bool { return true }

// Authenticate implements Authenticator.
func (Anyone) Authenticate(context.Context, string) (Proof, error) {
	return Proof{Principal: &anyone}, nil
}

// Proof is what an Authenticator has found out of a credential.
type Proof struct {
	// Principal is whose it is; nil with an error only. It is shared and must not be changed.
	Principal *Principal
	// Census is that of the moment at which the credential was found; nil: any later one does.
	Census *Census
	// Until is for how long the proof may be kept for the credential, by whoever has got
	// it; zero: for the request at hand only.
	Until time.Time
}
