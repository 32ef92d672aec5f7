package jwt

import (
	"fmt"

	"github.com/token-rate-limiter/token-rate-limiter/internal/identity"
)

// Check is something that is asked of a token. The zero value is none. They are asked in
// their order, and the first that fails ends it.
type Check uint8

// The checks.
const (
	CheckSize      Check = iota + 1 // it has at most TokenBytesMax bytes
	CheckForm                       // three parts, in base64url without padding
	CheckJSON                       // header and claims are objects without a member twice
	CheckHeader                     // nothing in the header changes how it is to be read
	CheckIssuer                     // it is of an issuer that is trusted
	CheckType                       // it is of a kind that is taken of the issuer
	CheckAlgorithm                  // it is signed by an algorithm that the issuer uses
	CheckKey                        // it names a key of the issuer that fits
	CheckSignature                  // that key has signed it
	CheckAudience                   // it is for this gateway
	CheckExpiry                     // it has an end, which has not come
	CheckBegin                      // neither nbf nor iat is to come
	CheckLifetime                   // it is not good for longer than tokens may be
	CheckRequired                   // it has the claims that are required
	CheckMapping                    // its claims make a user
	checks
)

var checkNames = [checks]string{
	CheckSize: "size", CheckForm: "form", CheckJSON: "json", CheckHeader: "header",
	CheckIssuer: "issuer", CheckType: "type", CheckAlgorithm: "algorithm", CheckKey: "key",
	CheckSignature: "signature", CheckAudience: "audience", CheckExpiry: "expiry",
	CheckBegin: "begin", CheckLifetime: "lifetime", CheckRequired: "required claims",
	CheckMapping: "mapping",
}

// String returns the name of the check, for logs and people.
func (c Check) String() string { return checkNames[c] }

// Checks returns all checks in their order.
func Checks() []Check {
	all := make([]Check, 0, checks-1)
	for c := Check(1); c < checks; c++ {
		all = append(all, c)
	}
	return all
}

// Failure is why a token is not taken. It is immutable, and holds nothing of the token.
type Failure struct {
	Check   Check
	Message string // for whoever sent it
	Issuer  string // that it is of, of those that are trusted; "" before that is found out
	// Forbidden says that the token is good, and does not say enough of its user to let that
	// one in.
	Forbidden bool
	// Unreached says that nobody can tell now, for the key may be newer than what is known.
	Unreached bool
}

// Error returns the message with the name of the check, for logs.
func (f *Failure) Error() string { return f.Message + " (check: " + f.Check.String() + ")" }

// Unwrap makes a failure an [identity.Refusal], and where the text is no token of an issuer that
// is trusted [identity.ErrUnknown] too: an API key may look like one. One that is Unreached is
// neither.
func (f *Failure) Unwrap() []error {
	if f.Unreached {
		return nil
	}
	r := &identity.Refusal{Message: f.Message, Check: f.Check.String(), Forbidden: f.Forbidden}
	if f.Check <= CheckIssuer {
		return []error{r, identity.ErrUnknown}
	}
	return []error{r}
}

// of returns the failure of a token of an issuer.
func (f *Failure) of(i *Issuer) *Failure {
	named := *f
	named.Issuer = i.Name
	return &named
}

func fails(c Check, message string) *Failure { return &Failure{Check: c, Message: message} }

func forbids(message string, args ...any) *Failure {
	return &Failure{
		Check: CheckMapping, Message: fmt.Sprintf(message, args...), Forbidden: true,
	}
}
