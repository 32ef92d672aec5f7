// Package identity turns a credential into a principal, and says what that one may do: by
// permissions, which roles are names for, and by its reach. It knows nothing of HTTP: the edges
// take the credential out of a request, and ask.
//
// Invariants: a principal comes from a credential alone; that another user is named is for whoever
// may act for others, and asked of the principal (ActAs); without a known credential there is none;
// what no role gives, nobody may; nobody gives a mandate that he has not (MayGive), writes a role
// that gives more (MayWriteRole) or keeps out those above him (MayDisable); who may not come in is
// said by a [Census]; no two users share an account (AccountOf); keys are kept
// only as hashes, and compared in constant time.
//
// Everything here is immutable once made and safe for concurrent use.
package identity
