package jwt

import (
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/identity"
)

// TestAttacks: each is refused, by the check that it is made for, and its message tells nothing of
// what was sent.
func TestAttacks(t *testing.T) {
	rs, es := Algorithm("RS256"), Algorithm("ES256")
	keys, _, err := ParseSet(setOf(t, jwkOf(t, "RSA", "1", nil), jwkOf(t, "P-256", "1", nil)))
	if err != nil {
		t.Fatal(err)
	}
	one := issuer(t, rs, keys...)
	one.Algorithms = []Algorithm{rs, es}
	two := issuer(t, rs, public(t, "other RSA"))
	two.Name = "https://other.example.com"
	v := NewVerifier([]*Issuer{one, two})

	good := sign(t, rs, header(rs), claims(t, nil))
	if _, err := v.Verify(good, at); err != nil {
		t.Fatalf("what is good: %v", err)
	}
	head, body := header(rs), claims(t, nil)
	with := func(over map[string]any) string { return sign(t, rs, head, claims(t, over)) }
	withHeader := func(h string) string { return sign(t, rs, h, body) }
	rsaKey := private()["RSA"].(*rsa.PrivateKey)
	der := x509.MarshalPKCS1PublicKey(&rsaKey.PublicKey)
	hs := func(secret []byte) string {
		return signBy(t, "HS256", secret, `{"alg":"HS256","typ":"at+jwt","kid":"1"}`, body)
	}
	parts := strings.Split(good, ".")
	signed := parts[0] + "." + parts[1] + "."
	b64 := base64.RawURLEncoding.EncodeToString
	asn1, err := ecdsa.SignASN1(nil, private()["P-256"].(*ecdsa.PrivateKey), make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	esSigned := segments(header(es), body) + "."
	embedded := written(t, jwkOf(t, "other RSA", "1", nil))
	seconds := func(d time.Duration) int64 { return at.Add(d).Unix() }

	for name, tt := range map[string]struct {
		token string
		want  Check
	}{
		"too long":                     {with(map[string]any{"x": strings.Repeat("x", TokenBytesMax)}), CheckSize},
		"two parts":                    {parts[0] + "." + parts[1], CheckForm},
		"four parts":                   {good + ".x", CheckForm},
		"a JWE":                        {"eyJhbGciOiJSU0EtT0FFUCIsImVuYyI6IkEyNTZHQ00ifQ.OKOa.48V1.5eym.XFBo", CheckForm},
		"JSON serialisation":           {`{"payload":"` + parts[1] + `","protected":"` + parts[0] + `","signature":"` + parts[2] + `"}`, CheckForm},
		"JSON serialisation with dots": {`{"a.b.c":""}`, CheckForm},
		"padding":                      {good + "=", CheckForm},
		"a line's end":                 {parts[0] + "." + parts[1][:8] + "\n" + parts[1][8:] + "." + parts[2], CheckForm},
		"the other base64":             {strings.NewReplacer("-", "+", "_", "/").Replace(good + "-_"), CheckForm},
		"bits that say nothing":        {signed + parts[2][:len(parts[2])-1] + next(parts[2][len(parts[2])-1]), CheckForm},
		"no signature":                 {signed, CheckForm},
		"a space":                      {good + " ", CheckForm},
		"trailing JSON":                {sign(t, rs, head, body+`{"sub":"admin"}`), CheckJSON},
		"trailing JSON in the header":  {sign(t, rs, head+`{}`, body), CheckJSON},
		"claims that are a list":       {sign(t, rs, head, "["+body+"]"), CheckJSON},
		"a claim twice":                {sign(t, rs, head, body[:len(body)-1]+`,"sub":"admin"}`), CheckJSON},
		"a claim twice, escaped":       {sign(t, rs, head, body[:len(body)-1]+`,"\u0073ub":"admin"}`), CheckJSON},
		"a claim twice, deep down":     {with(map[string]any{"x": rawJSON(`{"a":1,"a":2}`)}), CheckJSON},
		"a claim in another case":      {sign(t, rs, head, body[:len(body)-1]+`,"SUB":"admin"}`), CheckJSON},
		"an old letter":                {sign(t, rs, head, body[:len(body)-1]+`,"group\u017f":"a","groups":"b"}`), CheckJSON},
		"an old letter in sub":         {sign(t, rs, head, body[:len(body)-1]+`,"\u017fub":"admin"}`), CheckJSON},
		"only in another case":         {sign(t, rs, head, strings.Replace(body, `"exp"`, `"Exp"`, 1)), CheckJSON},
		"a header twice":               {withHeader(`{"alg":"RS256","alg":"none","typ":"at+jwt","kid":"1"}`), CheckJSON},
		"a header in another case":     {withHeader(`{"alg":"RS256","ALG":"none","typ":"at+jwt","kid":"1"}`), CheckJSON},
		"crit in another case":         {withHeader(`{"alg":"RS256","Crit":["x"],"typ":"at+jwt","kid":"1"}`), CheckJSON},
		"no UTF-8":                     {sign(t, rs, head, strings.Replace(body, "user123", "user\xff", 1)), CheckJSON},
		"half of a pair":               {sign(t, rs, head, strings.Replace(body, "user123", `user\ud800`, 1)), CheckJSON},
		"nested too deeply":            {with(map[string]any{"x": rawJSON(strings.Repeat("[", 500) + strings.Repeat("]", 500))}), CheckJSON},
		"crit":                         {withHeader(`{"alg":"RS256","crit":["exp"],"typ":"at+jwt","kid":"1"}`), CheckHeader},
		"b64":                          {withHeader(`{"alg":"RS256","b64":false,"typ":"at+jwt","kid":"1"}`), CheckHeader},
		"zip":                          {withHeader(`{"alg":"RS256","zip":"DEF","typ":"at+jwt","kid":"1"}`), CheckHeader},

		"no issuer":                  {with(map[string]any{"iss": nil}), CheckIssuer},
		"another issuer":             {with(map[string]any{"iss": "https://evil.example.com"}), CheckIssuer},
		"an issuer with a slash":     {with(map[string]any{"iss": issuerName + "/"}), CheckIssuer},
		"an issuer in capitals":      {with(map[string]any{"iss": strings.ToUpper(issuerName)}), CheckIssuer},
		"issuers":                    {with(map[string]any{"iss": []string{issuerName}}), CheckIssuer},
		"an issuer that is empty":    {with(map[string]any{"iss": ""}), CheckIssuer},
		"a type that is not taken":   {withHeader(`{"alg":"RS256","typ":"JWT","kid":"1"}`), CheckType},
		"no type":                    {withHeader(`{"alg":"RS256","kid":"1"}`), CheckType},
		"a type that is no text":     {withHeader(`{"alg":"RS256","typ":["at+jwt"],"kid":"1"}`), CheckType},
		"an ID token":                {with(map[string]any{"nonce": "n"}), CheckType},
		"an ID token by its hash":    {with(map[string]any{"at_hash": "n"}), CheckType},
		"an ID token of Keycloak":    {with(map[string]any{"typ": "ID"}), CheckType},
		"a logout token":             {with(map[string]any{"events": map[string]any{"http://schemas.openid.net/event/backchannel-logout": map[string]any{}}}), CheckType},
		"a logout token by its typ":  {with(map[string]any{"typ": "Logout"}), CheckType},
		"a refresh token":            {with(map[string]any{"typ": "Refresh"}), CheckType},
		"bound to its client":        {with(map[string]any{"cnf": map[string]any{"jkt": "x"}}), CheckType},
		"HS with the key in PEM":     {hs([]byte(pemOf(t, rsaKey))), CheckAlgorithm},
		"HS with the key in DER":     {hs(der), CheckAlgorithm},
		"HS with the key as a JWK":   {hs([]byte(written(t, jwkOf(t, "RSA", "1", nil)))), CheckAlgorithm},
		"an algorithm of no issuer":  {sign(t, "PS256", header("PS256"), body), CheckAlgorithm},
		"no algorithm":               {withHeader(`{"typ":"at+jwt","kid":"1"}`), CheckAlgorithm},
		"an algorithm in small":      {withHeader(`{"alg":"rs256","typ":"at+jwt","kid":"1"}`), CheckAlgorithm},
		"algorithms":                 {withHeader(`{"alg":["RS256"],"typ":"at+jwt","kid":"1"}`), CheckAlgorithm},
		"a kid that is not known":    {withHeader(`{"alg":"RS256","typ":"at+jwt","kid":"2"}`), CheckKey},
		"a kid that is a path":       {withHeader(`{"alg":"RS256","typ":"at+jwt","kid":"../../../dev/null"}`), CheckKey},
		"a kid that is SQL":          {withHeader(`{"alg":"RS256","typ":"at+jwt","kid":"' OR 1=1 --"}`), CheckKey},
		"a kid of 4 kB":              {withHeader(`{"alg":"RS256","typ":"at+jwt","kid":"` + strings.Repeat("1", 4<<10) + `"}`), CheckKey},
		"a kid of 10 kB":             {withHeader(`{"alg":"RS256","typ":"at+jwt","kid":"` + strings.Repeat("1", 10<<10) + `"}`), CheckSize},
		"a kid that is no text":      {withHeader(`{"alg":"RS256","typ":"at+jwt","kid":1}`), CheckKey},
		"a kid that is empty":        {withHeader(`{"alg":"RS256","typ":"at+jwt","kid":""}`), CheckKey},
		"the key of another issuer":  {signBy(t, rs, private()["other RSA"], head, body), CheckSignature},
		"a key that it brings":       {signBy(t, rs, private()["other RSA"], `{"alg":"RS256","typ":"at+jwt","kid":"1","jwk":`+embedded+`}`, body), CheckSignature},
		"a key elsewhere":            {signBy(t, rs, private()["other RSA"], `{"alg":"RS256","typ":"at+jwt","kid":"1","jku":"https://evil/","x5u":"https://evil/","x5c":["x"]}`, body), CheckSignature},
		"ES with r = s = 0":          {esSigned + b64(make([]byte, 64)), CheckSignature},
		"ES in DER":                  {esSigned + b64(asn1), CheckSignature},
		"ES that is too short":       {esSigned + b64(make([]byte, 63)), CheckSignature},
		"a signature of other words": {parts[0] + "." + strings.Split(with(map[string]any{"sub": "admin"}), ".")[1] + "." + parts[2], CheckSignature},

		"no audience":                 {with(map[string]any{"aud": nil}), CheckAudience},
		"another audience":            {with(map[string]any{"aud": "account"}), CheckAudience},
		"audiences without ours":      {with(map[string]any{"aud": []string{"account", "gateway2"}}), CheckAudience},
		"an audience that has ours":   {with(map[string]any{"aud": "gateway account"}), CheckAudience},
		"a part of our audience":      {with(map[string]any{"aud": "gate"}), CheckAudience},
		"no audiences":                {with(map[string]any{"aud": []string{}}), CheckAudience},
		"an audience that is a map":   {with(map[string]any{"aud": map[string]any{"gateway": 1}}), CheckAudience},
		"ours beside what is no text": {with(map[string]any{"aud": []any{"gateway", 1}}), CheckAudience},
		"no exp":                      {with(map[string]any{"exp": nil}), CheckExpiry},
		"exp null":                    {with(map[string]any{"exp": rawJSON("null")}), CheckExpiry},
		"exp 0":                       {with(map[string]any{"exp": 0}), CheckExpiry},
		"exp 1e300":                   {with(map[string]any{"exp": rawJSON("1e300")}), CheckExpiry},
		"exp 1e999":                   {with(map[string]any{"exp": rawJSON("1e999")}), CheckExpiry},
		"exp negative":                {with(map[string]any{"exp": -1}), CheckExpiry},
		"exp a text":                  {with(map[string]any{"exp": fmt.Sprint(seconds(time.Hour))}), CheckExpiry},
		"exp true":                    {with(map[string]any{"exp": true}), CheckExpiry},
		"expired":                     {with(map[string]any{"exp": seconds(-30 * time.Second)}), CheckExpiry},
		"nbf to come":                 {with(map[string]any{"nbf": seconds(31 * time.Second)}), CheckBegin},
		"iat to come":                 {with(map[string]any{"iat": seconds(31 * time.Second)}), CheckBegin},
		"iat a text":                  {with(map[string]any{"iat": "x"}), CheckBegin},
		"nbf null":                    {with(map[string]any{"nbf": rawJSON("null")}), CheckBegin},
		"good for too long":           {with(map[string]any{"exp": seconds(24 * time.Hour)}), CheckLifetime},
		"good for ever":               {with(map[string]any{"exp": 253402300799}), CheckLifetime},
		"for too long, without iat":   {with(map[string]any{"exp": seconds(25 * time.Hour), "iat": nil, "nbf": nil}), CheckLifetime},
		"no user":                     {with(map[string]any{"sub": nil}), CheckMapping},
		"a user that is empty":        {with(map[string]any{"sub": ""}), CheckMapping},
		"a user that is a number":     {with(map[string]any{"sub": 1}), CheckMapping},
		"a user of 300 bytes":         {with(map[string]any{"sub": strings.Repeat("u", 300)}), CheckMapping},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := v.Verify(tt.token, at)
			if got := failed(t, err); got != tt.want {
				t.Fatalf("refused by %q (%v), want %q", got, err, tt.want)
			}
			for _, secret := range []string{"user123", "idp.example.com", "admin", "1800000", parts[2][:20]} {
				if strings.Contains(err.Error(), secret) {
					t.Errorf("%v tells %q", err, secret)
				}
			}
		})
	}
	for _, none := range []string{"none", "None", "NONE", "nOnE", "none ", ""} {
		h := fmt.Sprintf(`{"alg":%q,"typ":"at+jwt","kid":"1"}`, none)
		for signature, want := range map[string]Check{"": CheckForm, "AAAA": CheckAlgorithm, parts[2]: CheckAlgorithm} {
			if _, err := v.Verify(segments(h, body)+"."+signature, at); failed(t, err) != want {
				t.Errorf("alg %q with the signature %.8q: %v", none, signature, err)
			}
		}
	}
}

// rawJSON is a value as it is written.
type rawJSON string

func (r rawJSON) MarshalJSON() ([]byte, error) {
	return []byte(r), nil
}

// next returns the next character of base64url.
func next(c byte) string {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	return string(letters[strings.IndexByte(letters, c)+1])
}

// TestSameKeyIDAtTwoIssuers: each issuer's tokens are verified with its own key, though both name
// theirs alike.
func TestSameKeyIDAtTwoIssuers(t *testing.T) {
	a, b := issuer(t, "RS256"), issuer(t, "RS256")
	b.Name = "https://other.example.com"
	for i, name := range map[*Issuer]string{a: "RSA", b: "other RSA"} {
		keys, _, err := ParseSet(setOf(t, jwkOf(t, name, "1", nil)))
		if err != nil {
			t.Fatal(err)
		}
		i.Keys = NewKeySet(keys...)
	}
	v := NewVerifier([]*Issuer{a, b})
	for _, tt := range []struct {
		iss, key string
		want     Check
	}{
		{a.Name, "RSA", 0}, {b.Name, "other RSA", 0},
		{a.Name, "other RSA", CheckSignature}, {b.Name, "RSA", CheckSignature},
	} {
		token := signBy(t, "RS256", private()[tt.key], header("RS256"), claims(t, map[string]any{"iss": tt.iss}))
		if _, err := v.Verify(token, at); failed(t, err) != tt.want {
			t.Errorf("%s signed by %s: %v", tt.iss, tt.key, err)
		}
	}
}

// TestNearMisses: what is just within a bound is taken.
func TestNearMisses(t *testing.T) {
	id := strings.Repeat("k", 256)
	keys, _, err := ParseSet(setOf(t, jwkOf(t, "RSA", id, nil)))
	if err != nil {
		t.Fatal(err)
	}
	i := issuer(t, "RS256", keys...)
	i.Leeway = 30 * time.Second
	i.Types = []string{TypeAccess, TypeJWT}
	v := NewVerifier([]*Issuer{i})
	seconds := func(d time.Duration) int64 { return at.Add(d).Unix() }
	head := fmt.Sprintf(`{"alg":"RS256","typ":"application/AT+JWT","kid":%q}`, id)
	filled := sign(t, "RS256", head, claims(t, map[string]any{"x": ""}))
	room := (TokenBytesMax - len(filled)) / 4 * 3
	for name, token := range map[string]string{
		"of all that may be":   sign(t, "RS256", head, claims(t, map[string]any{"x": strings.Repeat("x", room)})),
		"expired a moment ago": sign(t, "RS256", head, claims(t, map[string]any{"exp": seconds(-29 * time.Second)})),
		"begins in a moment":   sign(t, "RS256", head, claims(t, map[string]any{"nbf": seconds(30 * time.Second), "iat": seconds(30 * time.Second)})),
		"as long as may be":    sign(t, "RS256", head, claims(t, map[string]any{"iat": seconds(0), "nbf": seconds(0), "exp": seconds(24 * time.Hour)})),
		"of half a second":     sign(t, "RS256", head, claims(t, map[string]any{"exp": float64(seconds(time.Hour)) + 0.5})),
		"among others":         sign(t, "RS256", head, claims(t, map[string]any{"aud": []string{"account", "gateway"}})),
		"without a type":       sign(t, "RS256", fmt.Sprintf(`{"alg":"RS256","kid":%q}`, id), claims(t, nil)),
		"a type in small":      sign(t, "RS256", fmt.Sprintf(`{"alg":"RS256","typ":"jwt","kid":%q}`, id), claims(t, nil)),
		"of a long name":       sign(t, "RS256", head, claims(t, map[string]any{"sub": strings.Repeat("u", 256)})),
		"a nonce of Keycloak":  sign(t, "RS256", head, claims(t, map[string]any{"nonce": "n", "typ": "Bearer"})),
		"nested":               sign(t, "RS256", head, claims(t, map[string]any{"x": rawJSON(strings.Repeat("[", depthMax-1) + strings.Repeat("]", depthMax-1))})),
	} {
		if len(token) > TokenBytesMax {
			t.Fatalf("%s has %d bytes", name, len(token))
		}
		if _, err := v.Verify(token, at); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestKeyThatIsAToken: an API key that looks like a token of another issuer stays one.
func TestKeyThatIsAToken(t *testing.T) {
	key := segments(`{"alg":"HS256","typ":"JWT"}`, `{"iss":"supabase","role":"anon","exp":1999999999}`) + "." + strings.Repeat("A", 43)
	hash, err := identity.HashKey(key)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := identity.NewKeys([]identity.Key{{Name: "old", Hash: hash}})
	if err != nil {
		t.Fatal(err)
	}
	chain := identity.Chain{NewAuthenticator(NewVerifier([]*Issuer{issuer(t, "RS256", public(t, "RSA"))}), time.Now), keys}
	if _, err := chain.Authenticate(t.Context(), key); err != nil {
		t.Error(err)
	}
	if _, err := chain.Authenticate(t.Context(), flip(t, key)); failed(t, err) != CheckIssuer {
		t.Errorf("one that nobody has: %v", err)
	}
}

// TestKinds: what kinds of failures are to whoever asks further.
func TestKinds(t *testing.T) {
	i := issuer(t, "RS256", public(t, "RSA"))
	i.Require = []Requirement{{pointer(t, "/tid"), "42"}}
	unknown := issuer(t, "RS256")
	unknown.Name, unknown.Keys = "https://new.example.com", &KeySet{}
	a := NewAuthenticator(NewVerifier([]*Issuer{i, unknown}), func() time.Time { return at })
	for name, tt := range map[string]struct {
		token                       string
		nobodys, refused, forbidden bool
	}{
		"an API key":          {"trl_0123456789", true, false, false},
		"dots":                {"a.b.c", true, true, false},
		"another issuer":      {sign(t, "RS256", header("RS256"), claims(t, map[string]any{"iss": "x"})), true, true, false},
		"crit of another":     {sign(t, "RS256", `{"alg":"RS256","crit":["x"]}`, claims(t, map[string]any{"iss": "x"})), true, true, false},
		"another signature":   {flip(t, sign(t, "RS256", header("RS256"), claims(t, nil))), false, true, false},
		"a claim is required": {sign(t, "RS256", header("RS256"), claims(t, nil)), false, true, false},
		"no user":             {sign(t, "RS256", header("RS256"), claims(t, map[string]any{"tid": "42", "sub": nil})), false, true, true},
		"keys to come":        {sign(t, "RS256", header("RS256"), claims(t, map[string]any{"iss": unknown.Name})), false, false, false},
	} {
		_, err := a.Authenticate(t.Context(), tt.token)
		r, _ := errors.AsType[*identity.Refusal](err)
		if err == nil || errors.Is(err, identity.ErrUnknown) != tt.nobodys || (r != nil) != tt.refused || r != nil && r.Forbidden != tt.forbidden {
			t.Errorf("%s: %v: %+v", name, err, r)
		}
	}
}
