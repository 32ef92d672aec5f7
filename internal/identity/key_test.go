package identity

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const secret = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

func hash(t *testing.T, key string) string {
	t.Helper()
	h, err := HashKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestAuthenticate(t *testing.T) {
	keys, err := NewKeys([]Key{
		{Name: "ci", User: "robot", Hash: hash(t, secret), Roles: []Role{User}},
		{Name: "portal", User: "portal", Hash: hash(t, strings.ToUpper(secret)), Roles: []Role{User, Admin}, ActAs: true},
	})
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]*Principal{
		secret:                     {User: "robot", Account: "robot", Roles: []Role{User}, Permissions: Everywhere(ModelsUse), Credential: "ci"},
		strings.ToUpper(secret):    {User: "portal", Account: "portal", Roles: []Role{User, Admin}, Permissions: PermissionsOf([]Role{User, Admin}), ActAs: true, Credential: "portal"},
		secret[:63]:                nil,
		secret + "0":               nil,
		"":                         nil,
		hash(t, secret):            nil, // the hash is not the key
		strings.Repeat("x", 1<<20): nil,
	} {
		got, err := keys.Authenticate(t.Context(), key)
		if diff := cmp.Diff(Proof{Principal: want}, got); diff != "" {
			t.Errorf("of %.70q (-want +got):\n%s", key, diff)
		}
		if (want == nil) != errors.Is(err, ErrUnknown) {
			t.Errorf("of %.70q: %v", key, err)
		}
	}
}

func TestNewKeysRefuses(t *testing.T) {
	good := hash(t, secret)
	for want, keys := range map[string][]Key{
		"have the same hash":                   {{Name: "a", Hash: good}, {Name: "b", Hash: good}},
		"64 hexadecimal digits":                {{Name: "a", Hash: good[:70]}},
		`the API key "a": it is not "sha256:"`: {{Name: "a", Hash: secret}},
		`of the API key "x"`:                   {{Name: "x", Hash: good[:70] + "x"}},
		`of the API key "y"`:                   {{Name: "y", Hash: "sha256:" + strings.ToUpper(good[7:])}},
	} {
		if _, err := NewKeys(keys); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, want %q", keys, err, want)
		}
	}
}

func TestHashKeyRefusesShortKeys(t *testing.T) {
	if _, err := HashKey(strings.Repeat("k", KeyBytesMin)); err != nil {
		t.Errorf("of the shortest key: %v", err)
	}
	if _, err := HashKey(strings.Repeat("k", KeyBytesMin-1)); !errors.Is(err, ErrShortKey) {
		t.Errorf("%v, want ErrShortKey", err)
	}
}

func BenchmarkAuthenticate(b *testing.B) {
	h, err := HashKey(secret)
	if err != nil {
		b.Fatal(err)
	}
	keys, err := NewKeys([]Key{{Name: "a", Hash: h}})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := keys.Authenticate(b.Context(), secret); err != nil {
			b.Fatal(err)
		}
	}
}
