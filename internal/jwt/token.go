package jwt

import "strings"

// TokenBytesMax is how long a token may be. Many servers for HTTP take no more of a header.
const TokenBytesMax = 8 << 10

// token is a token that was read, of which nothing is verified.
type token struct {
	header, claims object
	signed         string // what the signature is of
	signature      []byte
}

// looksLikeToken reports whether a credential may be a token. It costs no more than looking
// at each byte.
func looksLikeToken(credential string) bool { return strings.Count(credential, ".") == 2 }

// parse reads a token, as far as its form goes (RFC 7515, section 3.1).
func parse(text string) (*token, *Failure) {
	if len(text) > TokenBytesMax {
		return nil, fails(CheckSize, "the JWT is longer than JWTs may be, 8192 bytes")
	}
	parts := strings.Split(text, ".")
	if len(parts) != 3 {
		return nil, fails(CheckForm, "the JWT has not the three parts of a signed JWT")
	}
	var raw [3][]byte
	for i, p := range parts {
		b, err := decode(p)
		if err != nil || len(b) == 0 {
			return nil, fails(CheckForm, "a part of the JWT is not base64url without padding")
		}
		raw[i] = b
	}
	t := &token{signed: text[:len(parts[0])+1+len(parts[1])], signature: raw[2]}
	for i, to := range []*object{&t.header, &t.claims} {
		o, err := parseObject(raw[i])
		if err != nil {
			return nil, fails(CheckJSON, "the header or the claims of the JWT are no JSON "+
				"object whose members have names of their own, whatever their case")
		}
		*to = o
	}
	return t, t.checkNames()
}

// issuer returns whose the token says it is; "" for nobody's.
func (t *token) issuer() string {
	name, _ := t.claims["iss"].(string)
	return name
}

// registered are the members that are looked at here. No other spelling of them is taken: who
// reads without a difference of case takes it for the member.
var registered = []string{
	"alg", "aud", "b64", "cnf", "crit", "email", "email_verified", "exp", "iat", "iss", "kid",
	"nbf", "sub", "typ", "zip",
}

func (t *token) checkNames() *Failure {
	for _, o := range []object{t.header, t.claims} {
		for name := range o {
			for _, r := range registered {
				if name != r && strings.EqualFold(name, r) {
					return fails(CheckJSON,
						"the JWT has a member whose name is written in another case: "+r)
				}
			}
		}
	}
	return nil
}

// unreadable are the members of a header after which a token is to be read in another way.
var unreadable = []string{"crit", "b64", "zip"}

func (t *token) checkHeader() *Failure {
	for _, name := range unreadable {
		if _, has := t.header[name]; has {
			return fails(CheckHeader, "the JWT has a header member that is not taken: "+name)
		}
	}
	return nil
}
