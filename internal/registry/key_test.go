package registry

import (
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/identity"
)

// TestChecks: what cannot be in a key is told with the field, and what can be is taken.
func TestChecks(t *testing.T) {
	good := func() Key {
		return Key{Name: "laptop", User: "김민수", Roles: []identity.Role{identity.User}, Models: []string{"llama-*"}, Secrets: []Secret{{}}}
	}
	for _, tt := range []struct {
		change func(*Key)
		want   string // "": nothing is wrong
	}{
		{func(*Key) {}, ""},
		{func(k *Key) { k.Name = strings.Repeat("가", 85) }, ""},
		{func(k *Key) { k.Name = strings.Repeat("가", 86) }, "name has 258 bytes, more than 256"},
		{func(k *Key) { k.Name = "" }, "name is missing"},
		{func(k *Key) { k.Name = "a\x00b" }, `name has the control character '\x00'`},
		{func(k *Key) { k.Name = "a\x1b[2J" }, `name has the control character '\x1b'`},
		{func(k *Key) { k.Name = "a\xff" }, "name is not valid UTF-8"},
		{func(k *Key) { k.User = "" }, "user is missing"},
		{func(k *Key) { k.User = "a\xff" }, "user the name of a user is not valid UTF-8"},
		{func(k *Key) { k.User = "a\x00" }, "user has the control character"},
		{func(k *Key) { k.Roles = nil }, "roles is empty: there are user"},
		{func(k *Key) { k.Roles = []identity.Role{"Root"} }, `roles has "Root", which is none`},
		{func(k *Key) { k.Roles = []identity.Role{"reader"} }, ""}, // whether there is one, the store knows
		{func(k *Key) { k.Tenant = "a\nb" }, "tenant has the control character"},
		{func(k *Key) { k.Roles = []identity.Role{identity.Role(NewSecret())} }, `roles has "trl_***", which is none`},
		{func(k *Key) { k.Roles = append(k.Roles, k.Roles...) }, `roles has "user" twice`},
		{func(k *Key) { k.Models = append(k.Models, "") }, "models[1] "},
		{func(k *Key) { k.Endpoints = []string{"chat"} }, `endpoints[0] "chat" is no endpoint`},
		{func(k *Key) { k.Secrets = nil }, "hash is missing"},
	} {
		k := good()
		tt.change(&k)
		err := k.Check()
		var field *FieldError
		if (err == nil) != (tt.want == "") || err != nil && (!errors.As(err, &field) || !strings.HasPrefix(err.Error(), tt.want)) {
			t.Errorf("%+v is checked with %v, want %q", k, err, tt.want)
		}
	}
	for _, a := range []Act{{Reason: "a\nb"}, {Reason: strings.Repeat("a", 1025)}, {Actor: "\xff"}, {RequestID: "\x00"}, {Address: "\x00"}, {Credential: "\x00"}} {
		if err := a.Check(); err == nil {
			t.Errorf("%+v is taken", a)
		}
	}
}

// TestRotations: whatever the clocks of those who rotate say, a rotation without overlap leaves
// the newest secret alone, what was good before an overlap stays so, and what is kept is bounded.
func TestRotations(t *testing.T) {
	random := rand.New(rand.NewPCG(14, 6))
	start := time.Unix(1_800_000_000, 0).UTC()
	for range 200 {
		first := NewSecret()
		k := Key{ID: "1", User: "alice", Secrets: []Secret{{Hash: HashOf(first), Created: start.Add(skew(random))}}}
		good := []string{first}
		now := start
		ring := NewKeyring(func() time.Time { return now }, func() bool { return true })
		for range 40 {
			now = now.Add(time.Duration(random.IntN(1000)) * time.Millisecond)
			next, overlap := NewSecret(), time.Duration(random.IntN(2))*time.Hour
			switch err := k.Rotate(HashOf(next), overlap, now.Add(skew(random))); {
			case errors.Is(err, ErrTooMany) && overlap > 0 && len(good) == secretsMax:
				continue
			case err != nil:
				t.Fatalf("%v, and %d are good", err, len(good))
			}
			if good = append(good, next); overlap == 0 {
				good = good[len(good)-1:]
			}
			ring.Apply(Changes{Keys: []Key{k}})
			for _, s := range good {
				if _, err := ring.Authenticate(t.Context(), s); err != nil {
					t.Fatalf("a secret that should be good is not: %v; %+v", err, k.Secrets)
				}
			}
			if len(ring.known.byHash) != len(good) || len(k.Secrets) > secretsMax+endedMax {
				t.Fatalf("%d secrets are known, of %d that are kept; want %d", len(ring.known.byHash), len(k.Secrets), len(good))
			}
			for i, s := range k.Secrets[1:] {
				if !s.Created.Before(k.Secrets[i].Created) {
					t.Fatal("the secrets are not the newest first")
				}
			}
		}
	}
}

// skew is how far the clock of somebody who rotates may be from the right one.
func skew(random *rand.Rand) time.Duration { return time.Duration(random.IntN(240)-120) * time.Second }

// TestRotateRefuses: a key that has ended is not rotated, and an overlap is a time to come.
func TestRotateRefuses(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	h := HashOf("new")
	for _, tt := range []struct {
		name    string
		key     Key
		overlap time.Duration
		want    error
	}{
		{"good", Key{Expires: now.Add(1)}, 0, nil},
		{"expired", Key{Expires: now}, 0, ErrExpired},
		{"revoked", Key{Revoked: now, Expires: now}, 0, ErrRevoked},
		{"known", Key{Secrets: []Secret{{Hash: h, Expires: now.Add(-time.Hour)}}}, 0, ErrTaken},
		{"negative", Key{}, -1, &FieldError{}},
	} {
		before := len(tt.key.Secrets)
		err := tt.key.Rotate(h, tt.overlap, now)
		var field *FieldError
		if !errors.Is(err, tt.want) && (!errors.As(tt.want, &field) || !errors.As(err, &field)) || err != nil && len(tt.key.Secrets) != before {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
		}
	}
	for _, tt := range []struct {
		before, end time.Time
		fine        bool
	}{
		{time.Time{}, time.Time{}, true},
		{time.Time{}, now.Add(1), true},
		{time.Time{}, now, false},
		{now.Add(-1), now.Add(-1), true}, // it is not changed
		{now.Add(-1), now.Add(-2), false},
		{now.Add(-1), time.Time{}, true},
	} {
		k := Key{Expires: tt.end}
		if err := k.CheckEnd(tt.before, now); (err == nil) != tt.fine {
			t.Errorf("an end at %v after one at %v: %v", tt.end, tt.before, err)
		}
	}
}
