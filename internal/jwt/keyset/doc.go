// Package keyset keeps the keys of token issuers at what these publish, over HTTPS and away from
// requests: at the start, at intervals, and soon after a token whose key is not known.
//
// Invariants, each with a test:
//
//   - However many tokens name unknown keys, an issuer is asked once in a while; bad signatures of
//     keys that have names ask nobody. What is remembered of such tokens is bounded.
//   - The key of a token is absent once an answer had not it, to a question that began after the
//     token came; before, it may come.
//   - What an issuer has published stays known while it is away, or answers something else, and
//     while how it is asked changes. A list that is empty takes all keys back.
//   - Keys come over https, or from this machine; no redirect is followed, no answer is read
//     beyond its bound, none is waited for beyond its time, and a discovery document that is of
//     another issuer counts for nothing.
package keyset
