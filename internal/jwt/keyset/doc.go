// Package keyset keeps the keys of token issuers at what these publish, over HTTPS and away from
// requests: at the start, at intervals, and soon after a token has named a key that is not known.
//
// Invariants, each with a test:
//
//   - However many tokens name unknown keys, an issuer is asked once in a while; bad signatures
//     ask nobody.
//   - What an issuer has published stays known while it is away, or answers something else.
//   - Keys come over https, or from this machine; no redirect is followed, no answer is read
//     beyond its bound, none is waited for beyond its time, and a discovery document that is of
//     another issuer counts for nothing.
package keyset
