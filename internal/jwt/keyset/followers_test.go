package keyset

import (
	"errors"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/token-rate-limiter/token-rate-limiter/internal/identity"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// quick is a pace at which tests need not wait.
var quick = pace{missed: 50 * time.Millisecond, first: time.Millisecond, most: 10 * time.Millisecond}

func newFollowers(t *testing.T, p pace) (*Followers, *lines) {
	t.Helper()
	l := &lines{}
	f := New(slog.New(slog.NewTextHandler(l, nil)))
	f.pace = p
	t.Cleanup(f.Close)
	return f, l
}

// eventually waits until ok.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("it did not come to: %s", what)
		}
	}
}

// standing says what becomes of a credential.
func standing(t *testing.T, a identity.Authenticator, token string) string {
	t.Helper()
	_, err := a.Authenticate(t.Context(), token)
	_, refused := errors.AsType[*identity.Refusal](err)
	switch {
	case err == nil:
		return "taken"
	case refused:
		return "refused"
	}
	return "not known yet"
}

// TestRotation: a key that is new is found by the first token that names it, one that was
// taken back ends, and while the issuer is away those that are known stay.
func TestRotation(t *testing.T) {
	i := newIssuer(t, "a")
	i.does(http.NotFoundHandler())
	f, log := newFollowers(t, quick)
	a := i.verifier(t, f.Open(i.source()))
	if read, known := f.Read()[i.source().Issuer]; !known || !read.IsZero() {
		t.Errorf("before any key is known the keys were read at %v", read)
	}
	old, young := i.token(t, "a"), i.token(t, "b")
	eventually(t, "the issuer was asked in vain", func() bool { return log.count("cannot be read") == 1 })
	if s := standing(t, a, old); s != "not known yet" {
		t.Errorf("before any key is known the JWT is %s", s)
	}
	i.does(nil)
	eventually(t, "the first keys", func() bool { return standing(t, a, old) == "taken" })

	if age := time.Since(f.Read()[i.source().Issuer]); age < 0 || age > time.Minute {
		t.Errorf("the keys were read %v ago", age)
	}
	i.publish("a", "b")
	eventually(t, "the new key", func() bool { return standing(t, a, young) == "taken" })
	if s := standing(t, a, old); s != "taken" {
		t.Errorf("the old key's token is %s", s)
	}
	i.publish("b")
	eventually(t, "the end of the old key", func() bool {
		_ = standing(t, a, i.token(t, "none")) // which has the issuer asked
		return standing(t, a, old) == "refused"
	})

	i.does(http.NotFoundHandler())
	eventually(t, "an unknown key may be new", func() bool {
		return standing(t, a, i.token(t, "none")) == "not known yet" && log.count("cannot be read") == 2
	})
	if s := standing(t, a, young); s != "taken" {
		t.Errorf("while the issuer is away the JWT is %s", s)
	}
	i.does(nil)
	eventually(t, "the issuer is back", func() bool { return standing(t, a, i.token(t, "none")) == "refused" })
}

// TestFloods: tokens with unknown keys ask the issuer once in a while, and bad signatures do not.
func TestFloods(t *testing.T) {
	i := newIssuer(t, "a")
	f, _ := newFollowers(t, pace{missed: time.Hour, first: time.Hour, most: time.Hour})
	a := i.verifier(t, f.Open(i.source()))
	good, unknown := i.token(t, "a"), i.token(t, "none")
	eventually(t, "the first keys", func() bool { return standing(t, a, good) == "taken" })
	if n := i.questions(); n != 1 {
		t.Fatalf("asked %d times", n)
	}
	bad := i.token(t, "a")
	bad = bad[:len(bad)-8] + "AAAAAAAA"
	for range 1000 {
		if s := standing(t, a, bad); s != "refused" {
			t.Fatalf("a bad signature is %s", s)
		}
		if s := standing(t, a, unknown); s != "refused" {
			t.Fatalf("an unknown key is %s", s)
		}
	}
	if n := i.questions(); n != 1 {
		t.Errorf("the flood asked the issuer %d times", n-1)
	}
}

// TestKeep: what a configuration still has is followed on, with what is known of it; what
// it has no more is left alone.
func TestKeep(t *testing.T) {
	a, b := newIssuer(t, "a"), newIssuer(t, "b")
	f, _ := newFollowers(t, quick)
	set := f.Open(a.source())
	f.Open(b.source())
	eventually(t, "all keys", func() bool { return set.Known() && f.Open(b.source()).Known() })
	f.Keep([]Source{a.source()})
	if f.Open(a.source()) != set {
		t.Error("what stays is another one")
	}
	if len(f.bySource) != 1 {
		t.Errorf("%d are followed", len(f.bySource))
	}
	changed := a.source()
	changed.CA += "\n"
	if f.Open(changed) == set {
		t.Error("what has changed is the same one")
	}
	f.Close()
	before := a.questions() + b.questions()
	time.Sleep(20 * time.Millisecond)
	if a.questions()+b.questions() != before {
		t.Error("somebody is asked after the end")
	}
}

// TestRefresh: keys are read again and again without any token.
func TestRefresh(t *testing.T) {
	i := newIssuer(t, "a")
	f, log := newFollowers(t, quick)
	s := i.source()
	s.Refresh = 5 * time.Millisecond
	f.Open(s)
	eventually(t, "several questions", func() bool { return i.questions() > 3 })
	if log.count("are read") != 1 {
		t.Error("what has not changed is told again")
	}
	i.publish("b")
	eventually(t, "the change", func() bool { return log.count("added=1 removed=1") == 1 })
}
