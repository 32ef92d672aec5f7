package app

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	lib "github.com/golang-jwt/jwt/v5"

	"github.com/token-rate-limiter/token-rate-limiter/internal/config"
	"github.com/token-rate-limiter/token-rate-limiter/internal/identity"
	"github.com/token-rate-limiter/token-rate-limiter/internal/jwt"
)

// example is one of the documents, with what it says of the claims in a file.
var example = regexp.MustCompile("(?s)<!-- claims: (\\S+) (\\S+) gives (\\S+) with ([^>]+) -->\n```yaml\n(.*?)```")

// TestExamplesOfIssuers: the configurations in docs/authentication.md and its Korean version make of
// the published claims the users that they say.
func TestExamplesOfIssuers(t *testing.T) {
	const secret = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	n, err := json.Marshal(private.N.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	modulus := strings.NewReplacer("+", "-", "/", "_", "=", "", `"`, "").Replace(string(n))
	for _, document := range []string{"authentication.md", "authentication.ko.md"} {
		text, err := os.ReadFile(filepath.Join("..", "..", "docs", document))
		if err != nil {
			t.Fatal(err)
		}
		examples := example.FindAllStringSubmatch(string(text), -1)
		if len(examples) != 5 || len(examples) != strings.Count(string(text), "```yaml") {
			t.Errorf("%s has %d examples", document, len(examples))
		}
		for _, x := range examples {
			file, algorithm, user, roles, yaml := x[1], x[2], x[3], x[4], x[5]
			c, err := config.Load(config.Options{
				Dir: ".", Files: fstest.MapFS{"application.yml": {Data: []byte("vllm: {services: {m: http://h}}\n" + yaml)}},
				Env: func(name string) (string, bool) {
					if name == "JWT_SECRET" {
						return secret, true
					}
					return "", false
				},
			})
			if err != nil {
				t.Errorf("%s: %v", document, err)
				continue
			}
			claims, err := os.ReadFile(filepath.Join("..", "..", file))
			if err != nil {
				t.Fatal(err)
			}
			var o lib.MapClaims
			if err := json.Unmarshal(claims, &o); err != nil {
				t.Fatal(err)
			}
			var signer any = private
			key, err := jwt.ParseKey(fmt.Sprintf(`{"kty":"RSA","n":%q,"e":"AQAB"}`, modulus))
			if err != nil {
				t.Fatal(err)
			}
			if algorithm == "HS256" {
				signer, key = []byte(secret), jwt.NewSecret(secret)
			}
			token, err := lib.NewWithClaims(lib.GetSigningMethod(algorithm), o).SignedString(signer)
			if err != nil {
				t.Fatal(err)
			}
			i, err := newIssuer(&c.Auth.JWT.Issuers[0], jwt.NewKeySet(key))
			if err != nil {
				t.Fatal(err)
			}
			v, err := jwt.NewVerifier([]*jwt.Issuer{i}).Verify(token, time.Unix(1_800_000_100, 0))
			if err != nil {
				t.Errorf("%s: %s: %v", document, file, err)
				continue
			}
			var want []identity.Role
			for name := range strings.SplitSeq(roles, ", ") {
				want = append(want, identity.Role(name))
			}
			slices.Sort(want)
			if got := slices.Sorted(slices.Values(v.Roles)); v.User != user || !slices.Equal(got, want) {
				t.Errorf("%s: %s gives %s with %s", document, file, v.User, got)
			}
		}
	}
}
