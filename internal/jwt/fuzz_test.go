package jwt

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// FuzzParse: no text makes the parser fail otherwise than by a failure, and what it takes is
// taken by a strict reader of its own making, which sees the same.
func FuzzParse(f *testing.F) {
	good := segments(header("RS256"), `{"iss":"i","a":{"b":[1,true,null,"x"]},"exp":1e3}`, "signature")
	for _, s := range []string{
		good, "", "..", "a.b.c", good + ".", good[1:], strings.ReplaceAll(good, "e", "E"),
		segments("{}", "{}", "x"), segments(`{"a":1,"a":2}`, "{}", "x"), segments("{}", `{"a":1,"A":2}`, "x"),
		segments("{}", `{"\u0061":1,"a":2}`, "x"), segments("{}", `{"a":"\ud800"}`, "x"), segments("{}", "{}{}", "x"), segments("{}", "[]", "x"),
		segments("{}", strings.Repeat(`{"a":`, 40)+"1"+strings.Repeat("}", 40), "x"), segments("{}", "{}\n", "x"),
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, failure := parse(text)
		if failure != nil {
			if failure.Check > CheckJSON || got != nil && failure.Check != CheckJSON {
				t.Fatalf("%v", failure)
			}
			return
		}
		parts := strings.Split(text, ".")
		if len(parts) != 3 || len(text) > TokenBytesMax || got.signed != parts[0]+"."+parts[1] {
			t.Fatalf("%q is taken", text)
		}
		for i, o := range []object{got.header, got.claims} {
			b, err := base64.RawURLEncoding.DecodeString(parts[i])
			if err != nil || base64.RawURLEncoding.EncodeToString(b) != parts[i] {
				t.Fatalf("%q is written in another way too: %v", parts[i], err)
			}
			var want map[string]any
			d := json.NewDecoder(strings.NewReader(string(b)))
			d.UseNumber()
			if err := d.Decode(&want); err != nil || d.More() {
				t.Fatalf("%q: %v", b, err)
			}
			if diff := cmp.Diff(want, plain(o)); diff != "" {
				t.Fatalf("%q (-want +got):\n%s", b, diff)
			}
			folded := slices.Collect(maps.Keys(o))
			for i := range folded {
				folded[i] = strings.ToLower(folded[i])
			}
			slices.Sort(folded)
			if len(slices.Compact(folded)) != len(o) || membersOf(t, b) != countOf(o) {
				t.Fatalf("%q has members of one name", b)
			}
		}
	})
}

// plain returns a value as encoding/json has it.
func plain(v any) any {
	switch v := v.(type) {
	case object:
		o := map[string]any{}
		for k, x := range v {
			o[k] = plain(x)
		}
		return o
	case []any:
		list := make([]any, len(v))
		for i, x := range v {
			list[i] = plain(x)
		}
		return list
	case number:
		return json.Number(v)
	}
	return v
}

// membersOf counts the colons outside of texts, and so the members as they are written.
func membersOf(t *testing.T, text []byte) (n int) {
	t.Helper()
	inside := false
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] == '"':
			inside = !inside
		case inside && text[i] == '\\':
			i++
		case !inside && text[i] == ':':
			n++
		}
	}
	return n
}

// countOf counts the members that were read.
func countOf(v any) (n int) {
	switch v := v.(type) {
	case object:
		for _, x := range v {
			n += 1 + countOf(x)
		}
	case []any:
		for _, x := range v {
			n += countOf(x)
		}
	}
	return n
}

// FuzzKeys: no text makes the readers of keys fail otherwise than by an error, and keys that they take
// are strong enough for something.
func FuzzKeys(f *testing.F) {
	f.Add(string(setOf(f, jwkOf(f, "RSA", "1", nil), jwkOf(f, "P-256", "1", nil), jwkOf(f, "Ed25519", "1", nil))))
	f.Add(written(f, jwkOf(f, "RSA", "1", nil)))
	f.Add(pemOf(f, private()["P-384"]))
	f.Add(`{"keys":[{"kty":"RSA","n":"AQAB","e":"AQAB"},{"kty":"EC","crv":"P-256","x":"","y":""},7,null]}`)
	f.Fuzz(func(t *testing.T, text string) {
		keys, _, err := ParseSet([]byte(text))
		if k, keyErr := ParseKey(text); keyErr == nil {
			keys = append(keys, k)
		} else if err != nil && len(keys) > 0 {
			t.Fatal("keys with an error")
		}
		for _, k := range keys {
			if !slices.ContainsFunc(Algorithms(), k.Fits) {
				t.Fatalf("%q fits nothing", text)
			}
			for _, a := range Algorithms() {
				if k.Fits(a) && (a.SecretBytesMin() > 0 || k.verifies(a, "x", []byte("x"))) {
					t.Fatalf("%q verifies what it has not signed, by %s", text, a)
				}
			}
		}
	})
}
