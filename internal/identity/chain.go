package identity

import (
	"context"
	"errors"
)

// Chain asks several Authenticators, each where those before do not know the credential.
type Chain []Authenticator

// Open implements Authenticator: nobody is let in without a credential that one of them knows.
func (Chain) Open() bool { return false }

// Authenticate implements Authenticator. The first answer other than [ErrUnknown] counts; where
// there is none, the first that wraps it and says more.
func (c Chain) Authenticate(ctx context.Context, credential string) (Proof, error) {
	unknown := ErrUnknown
	for _, a := range c {
		proof, err := a.Authenticate(ctx, credential)
		if !errors.Is(err, ErrUnknown) {
			return proof, err
		}
		if unknown == ErrUnknown {
			unknown = err
		}
	}
	return Proof{}, unknown
}
