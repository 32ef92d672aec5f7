package jwt

import "time"

// Verifier verifies tokens of the issuers that are trusted. It is immutable, but for the keys of
// these, and safe for concurrent use.
type Verifier struct{ issuers map[string]*Issuer }

// NewVerifier returns one that trusts these issuers, whose names differ.
func NewVerifier(issuers []*Issuer) *Verifier {
	v := &Verifier{make(map[string]*Issuer, len(issuers))}
	for _, i := range issuers {
		v.issuers[i.Name] = i
	}
	return v
}

// Verified is what a token was found to be.
type Verified struct {
	Claims
	Issuer string
	Until  time.Time // from when on it is not taken any more

	key *Key
}

// IssuerOf returns the issuer that a token names; "" where it is no token, or names none. Nothing
// of it is verified.
func IssuerOf(text string) string {
	t, f := parse(text)
	if f != nil {
		return ""
	}
	return t.issuer()
}

// Verify returns what a token says, at a moment. It fails with a [*Failure] that names the first
// check that failed.
func (v *Verifier) Verify(text string, now time.Time) (*Verified, error) {
	t, f := parse(text)
	if f != nil {
		return nil, f
	}
	if f := t.checkHeader(); f != nil {
		return nil, f
	}
	name := t.issuer()
	i, known := v.issuers[name]
	if !known || name == "" {
		return nil, fails(CheckIssuer, "the JWT is of an issuer that is not known here (iss)")
	}
	key, f := i.check(t, now)
	if f != nil {
		return nil, f.of(i)
	}
	claims, f := i.Map.read(t.claims)
	if f != nil {
		return nil, f.of(i)
	}
	end, _ := expiry(t.claims)
	return &Verified{claims, i.Name, end.Add(i.Leeway), key}, nil
}
