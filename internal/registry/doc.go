// Package registry knows who there is: the API keys that operators issue, whose they are, which
// users and tenants are disabled, what custom roles give, and what each change of them was. A
// [Store] keeps what is known, and lives in a package of its own. A [Follower] and [Report] ask it
// at intervals; requests ask a [Keyring], which is in memory.
//
// Invariants: a secret is shown once, to whoever has it made, and kept as a hash; what was revoked
// stays revoked; each change has a revision, later ones have greater revisions, and a change and
// its record for the audit are kept together or not at all.
package registry
