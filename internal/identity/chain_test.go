package identity

import (
	"context"
	"errors"
	"testing"
)

// answers is an Authenticator that knows one credential, and fails with err for others.
type answers struct {
	known string
	err   error
}

func (answers) Open() bool { return true }

func (a answers) Authenticate(_ context.Context, credential string) (Proof, error) {
	if credential == a.known {
		return Proof{Principal: &Principal{User: a.known}}, nil
	}
	return Proof{}, a.err
}

// TestChain: the first that knows a credential counts, or cannot say; none lets everybody in.
func TestChain(t *testing.T) {
	away := errors.New("away")
	c := Chain{answers{"a", ErrUnknown}, answers{"b", away}, answers{"c", ErrUnknown}}
	for credential, want := range map[string]error{"a": nil, "b": nil, "c": away, "": away} {
		p, err := c.Authenticate(t.Context(), credential)
		if !errors.Is(err, want) || err == nil && p.Principal.User != credential {
			t.Errorf("%q: %+v, %v", credential, p, err)
		}
	}
	more := errors.Join(errors.New("it is torn"), ErrUnknown)
	torn := Chain{answers{"a", ErrUnknown}, answers{"b", more}, answers{"c", ErrUnknown}}
	if _, err := torn.Authenticate(t.Context(), "x"); err != more {
		t.Errorf("nobody's, of which one says more: %v", err)
	}
	if p, err := torn.Authenticate(t.Context(), "c"); err != nil || p.Principal.User != "c" {
		t.Errorf("one that the last knows: %v", err)
	}
	if _, err := c[:1].Authenticate(t.Context(), "x"); !errors.Is(err, ErrUnknown) || c.Open() {
		t.Errorf("nobody's: %v", err)
	}
	if _, err := (Chain{}).Authenticate(t.Context(), "x"); !errors.Is(err, ErrUnknown) {
		t.Errorf("of none: %v", err)
	}
}
