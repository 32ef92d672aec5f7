package keyset

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
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
		if s := standing(t, a, unknown); s != "not known yet" {
			t.Fatalf("an unknown key is %s before the issuer was asked for it", s)
		}
	}
	if n := i.questions(); n != 1 {
		t.Errorf("the flood asked the issuer %d times", n-1)
	}
}

// TestRotationWithinPace: whatever strangers send meanwhile, the token of a key that was just published
// is never refused, and is taken after the pace; a token whose key the issuer was asked for in
// vain is refused, and others that name the same key are not.
func TestRotationWithinPace(t *testing.T) {
	i := newIssuer(t, "a")
	f, _ := newFollowers(t, quick)
	a := i.verifier(t, f.Open(i.source()))
	eventually(t, "the first keys", func() bool { return standing(t, a, i.token(t, "a")) == "taken" })
	stranger := i.token(t, "b")
	stranger = stranger[:strings.LastIndex(stranger, ".")] + ".AAAA"
	another := i.token(t, "none")
	eventually(t, "the stranger is refused", func() bool {
		_ = standing(t, a, another)
		return standing(t, a, stranger) == "refused"
	})
	asked, since := i.questions(), time.Now()
	i.publish("a", "b")
	young := i.tokenOf(t, "b", "bob")
	for n := 0; standing(t, a, young) != "taken"; n++ {
		if s := standing(t, a, young); s == "refused" || time.Since(since) > 20*time.Second {
			t.Fatalf("the token of a key that was just published is %s", s)
		}
		_ = standing(t, a, i.tokenOf(t, "none", fmt.Sprint(n)))
		time.Sleep(time.Millisecond)
	}
	if n, most := i.questions()-asked, 2+int(time.Since(since)/quick.missed); n > most {
		t.Errorf("the issuer was asked %d times, more than %d", n, most)
	}
}

// TestRotationWithoutName: a new key of an issuer that names none is found by the first token of it.
func TestRotationWithoutName(t *testing.T) {
	i := newIssuer(t)
	i.unnamed("a")
	f, _ := newFollowers(t, quick)
	a := i.verifier(t, f.Open(i.source()))
	eventually(t, "the first key", func() bool { return standing(t, a, i.token(t, "a")) == "taken" })
	i.unnamed("b")
	eventually(t, "the new key", func() bool { return standing(t, a, i.token(t, "b")) == "taken" })
	old := i.token(t, "a")
	eventually(t, "the end of the old key", func() bool { return standing(t, a, old) == "refused" })
}

// TestOnlyKeyTakenBack: an empty list is believed, and told once; one of which no key can be used
// is not.
func TestOnlyKeyTakenBack(t *testing.T) {
	i := newIssuer(t, "a")
	f, log := newFollowers(t, quick)
	s := i.source()
	s.Refresh = 5 * time.Millisecond
	a := i.verifier(t, f.Open(s))
	token := i.token(t, "a")
	eventually(t, "the first keys", func() bool { return standing(t, a, token) == "taken" })
	i.useless()
	eventually(t, "an answer that is not taken", func() bool { return log.count("cannot be read") == 1 })
	if s := standing(t, a, token); s != "taken" {
		t.Errorf("after an answer that is not taken the token is %s", s)
	}
	i.publish()
	eventually(t, "the end of the only key", func() bool { return standing(t, a, token) == "refused" })
	asked := i.questions()
	eventually(t, "more questions", func() bool { return i.questions() > asked+2 })
	if n := log.count("empty list of keys"); n != 1 {
		t.Errorf("it is told %d times", n)
	}
	i.publish("a")
	eventually(t, "the key is back", func() bool { return standing(t, a, i.token(t, "a")) == "taken" })
}

// TestMisses: only a question that began after a token came says that its key is absent, a question
// without an answer says nothing, and what is remembered is bounded.
func TestMisses(t *testing.T) {
	m := newMisses()
	want := func(when string, absent ...string) {
		t.Helper()
		for _, token := range []string{"a", "b"} {
			if is := slices.Contains(absent, token); m.isAbsent(token) != is {
				t.Errorf("%s: %s is absent: %t", when, token, !is)
			}
		}
	}
	m.add("a")
	want("before it was asked for")
	m.ask()
	m.add("b")
	want("while it is asked for")
	m.ask() // the one before had no answer
	want("while both are asked for")
	m.answered()
	want("after the answer", "a", "b")
	m.add("a")
	m.ask()
	m.answered()
	want("after the next answer, which one of them has asked for", "a")
	for range 2 {
		for n := range 2 * missesMax {
			m.add(fmt.Sprint(n))
		}
		if len(m.next) > missesMax {
			t.Errorf("%d wait for the next question", len(m.next))
		}
		m.ask()
	}
	m.add("a")
	m.ask()
	m.answered()
	if len(m.absent) > missesMax || m.isAbsent("a") {
		t.Errorf("%d are remembered, or one that there was no room for is absent", len(m.absent))
	}
}

// TestAwait: it waits for the first answer of each, however they go, and no longer than it may.
func TestAwait(t *testing.T) {
	slow, away := newIssuer(t, "a"), newIssuer(t, "a")
	answers, came := make(chan struct{}), make(chan struct{}, 1)
	slow.does(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		came <- struct{}{}
		<-answers
		http.Error(w, "", http.StatusServiceUnavailable)
	}))
	away.does(http.NotFoundHandler())
	f, _ := newFollowers(t, pace{missed: time.Hour, first: time.Hour, most: time.Hour})
	f.Open(away.source())
	f.Await(t.Context())
	if n := len(f.Read()); n != 1 {
		t.Errorf("%d are followed", n)
	}
	f.Open(slow.source())
	<-came
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	f.Await(ended)
	done := make(chan struct{})
	go func() {
		f.Await(t.Context())
		close(done)
	}()
	select {
	case <-done:
		t.Error("it has not waited")
	case <-time.After(10 * time.Millisecond):
	}
	close(answers)
	<-done
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
	a.does(http.NotFoundHandler())
	read := f.Read()[a.source().Issuer]
	for what, change := range map[string]func(*Source){
		"the authority": func(s *Source) { s.CA += "\n" },
		"the interval":  func(s *Source) { s.Refresh += time.Second },
		"":              func(s *Source) { s.URL = a.URL + "/other" },
	} {
		f.Keep([]Source{a.source()})
		changed := a.source()
		change(&changed)
		next := f.Open(changed)
		if next == set {
			t.Error("what has changed is the same one")
		}
		if next.Known() != (what != "") {
			t.Errorf("with %q changed the keys are known: %t", what, next.Known())
		}
		if s := standing(t, a.verifier(t, next), a.token(t, "a")); (s == "taken") != (what != "") {
			t.Errorf("with %q changed the token is %s", what, s)
		}
	}
	f.Keep([]Source{a.source()})
	last := a.source()
	last.CA += "\n\n"
	f.Open(last)
	f.Keep([]Source{last})
	if at := f.Read()[a.source().Issuer]; !at.Equal(read) {
		t.Errorf("the keys were read at %v, and then at %v", read, at)
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
