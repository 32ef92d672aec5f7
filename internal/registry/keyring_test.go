package registry

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/identity"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire"
)

// TestKeyring: who is known is what the last changes say; expiry is by the clock; what is not
// known while the database is away may be somebody's.
func TestKeyring(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	fresh := true
	ring := NewKeyring(func() time.Time { return now }, func() bool { return fresh })
	old, secret, other := NewSecret(), NewSecret(), NewSecret()
	k := Key{ID: "1", User: "alice", Roles: []identity.Role{identity.User}, ActAs: true}
	k.Secrets = []Secret{{Hash: HashOf(secret)}, {Hash: HashOf(old), Expires: now.Add(time.Minute)}}
	bob := Key{ID: "2", User: "bob", Expires: now.Add(time.Hour), Secrets: []Secret{{Hash: HashOf(other)}}}
	revoked := k
	revoked.Revoked = now
	renamed := bob
	renamed.User, renamed.Expires = "robert", time.Time{}
	for _, step := range []struct {
		name string
		do   func()
		want [3]string // whose old, secret and other are
	}{
		{"nothing", func() {}, [3]string{"?", "?", "?"}},
		{"two keys", func() { ring.Apply(Changes{Keys: []Key{k, bob}}) }, [3]string{"alice", "alice", "bob"}},
		{"the end of the old secret", func() { now = now.Add(time.Minute) }, [3]string{"?", "alice", "bob"}},
		{"the end of bob's key", func() { now = now.Add(time.Hour) }, [3]string{"?", "alice", "?"}},
		{"bob's key changed", func() { ring.Apply(Changes{Keys: []Key{renamed}}) }, [3]string{"?", "alice", "robert"}},
		{"the database away", func() { fresh = false }, [3]string{"stale", "alice", "robert"}},
		{"alice's key revoked", func() { fresh = true; ring.Apply(Changes{Keys: []Key{revoked}}) }, [3]string{"?", "?", "robert"}},
		{"everything anew", func() { ring.Apply(Changes{Whole: true, Keys: []Key{k}}) }, [3]string{"?", "alice", "?"}},
	} {
		step.do()
		for i, s := range []string{old, secret, other} {
			p, err := ring.Authenticate(t.Context(), s)
			got := "?"
			switch {
			case err == nil:
				got = p.Principal.User
			case errors.Is(err, ErrStale):
				got = "stale"
			case !errors.Is(err, identity.ErrUnknown):
				t.Error(err)
			}
			if got != step.want[i] {
				t.Errorf("after %s the secret %d is of %s, want %s", step.name, i, got, step.want[i])
			}
		}
	}
	fresh = false
	mistyped := secret[:len(secret)-1] + "-"
	if _, err := ring.Authenticate(t.Context(), mistyped); !errors.Is(err, identity.ErrUnknown) {
		t.Errorf("what can be nobody's is %v", err)
	}
	if p, _ := ring.Authenticate(t.Context(), secret); !p.Principal.ActAs || p.Principal.Credential != "1" || !p.Principal.May(identity.ModelsUse) {
		t.Errorf("alice is %+v", p.Principal)
	}
}

// TestReadMeanwhile: a key that comes while somebody with it is looked up is either found, or may
// be somebody's; it is not told to be nobody's.
func TestReadMeanwhile(t *testing.T) {
	secret := NewSecret()
	var ring *Keyring
	ring = NewKeyring(time.Now, func() bool {
		ring.Apply(Changes{Keys: []Key{{ID: "1", User: "alice", Secrets: []Secret{{Hash: HashOf(secret)}}}}})
		return true
	})
	if _, err := ring.Authenticate(t.Context(), secret); err != nil {
		t.Errorf("a key that was read just before the ring was fresh: %v", err)
	}
}

// TestReach: a key may be used for what it says, and for nothing where that is not understood.
func TestReach(t *testing.T) {
	for _, tt := range []struct {
		models, endpoints []string
		llama, qwen       bool
	}{
		{nil, nil, true, true},
		{[]string{"llama-*"}, nil, true, false},
		{nil, []string{"chat_completions"}, true, true},
		{nil, []string{"embeddings"}, false, false},
		{[]string{"*"}, []string{"of a later version"}, false, false},
	} {
		secret := NewSecret()
		ring := NewKeyring(time.Now, func() bool { return true })
		ring.Apply(Changes{Keys: []Key{{
			ID: "1", User: "alice", Roles: []identity.Role{identity.User}, Models: tt.models, Endpoints: tt.endpoints,
			Secrets: []Secret{{Hash: HashOf(secret)}},
		}}})
		p, err := ring.Authenticate(t.Context(), secret)
		if err != nil {
			t.Fatal(err)
		}
		reach := p.Principal.Reach
		chat := reach.AllowsEndpoint(wire.ChatCompletions)
		llama, qwen := chat && reach.AllowsModel("llama-7b"), chat && reach.AllowsModel("qwen")
		if llama != tt.llama || qwen != tt.qwen {
			t.Errorf("with %q at %q: llama %v, qwen %v", tt.models, tt.endpoints, llama, qwen)
		}
	}
}

// BenchmarkAuthenticate: with 100,000 keys, for one of them, whose request is counted then, and for
// none.
func BenchmarkAuthenticate(b *testing.B) {
	ring := NewKeyring(time.Now, func() bool { return true })
	var c Changes
	var s Spending
	secret := NewSecret()
	for i := range 100_000 {
		k := Key{ID: NewID(time.Now()), User: "u", Secrets: []Secret{{Hash: HashOf(fmt.Sprint(i))}}}
		if i == 0 {
			k.Secrets[0].Hash = HashOf(secret)
		}
		c.Keys = append(c.Keys, k)
	}
	ring.Apply(c)
	for _, tt := range []struct{ name, secret string }{{"known", secret}, {"unknown", NewSecret()}} { // the budget is the first one's
		b.Run(tt.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				p, err := ring.Authenticate(b.Context(), tt.secret)
				if (err == nil) != (tt.name == "known") {
					b.Fatal(err)
				}
				if err == nil {
					s.Add(Expense{Day: 1, Key: p.Principal.Credential, Model: "llama", Requests: 1, Input: 1})
				}
			}
		})
	}
}
