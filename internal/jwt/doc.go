// Package jwt finds out whose a JSON Web Token is (RFC 7519, 8725 and 9068): whether one of the
// issuers that are trusted has signed it for this gateway, and what its claims say of its user.
//
// It has no I/O and reads no clock: the keys of an issuer come from a [KeySet], which others fill,
// and [Verifier.Verify] gets the time as an argument. An [Authenticator] remembers what was
// verified.
//
// Invariants, each with a test:
//
//   - The exact `iss` of a token picks the keys that it is verified with; no other issuer's are
//     tried, and none that the token brings or names by an address.
//   - A key verifies the algorithms that its type and curve are made for, and of these only those
//     that its issuer uses here; so no public key is ever the secret of an HMAC.
//   - JSON with two members of one name is refused, before anything is believed of it.
//   - What a token says of itself stands in no error: neither its claims, nor itself.
//   - A token that was remembered ends with its key, with its time, and with its issuer.
package jwt
