// Package identity turns a credential into a principal. It knows nothing of HTTP:
// the edges take the credential out of a request.
//
// Invariants: a principal comes from a credential alone; that another user is named is for whoever
// may act for others, and asked of the principal (ActAs); without a known credential there is none;
// keys are kept only as hashes, and compared in constant time.
//
// Everything here is immutable once made and safe for concurrent use.
package identity
