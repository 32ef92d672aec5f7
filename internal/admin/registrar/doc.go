// Package registrar serves the registry over HTTP, for those who manage people: API keys are
// issued, listed, changed, rotated and revoked, the audit is read and exported, and each replica
// tells which revision it has applied.
//
// Beside the registry it tells, and changes, what the store of accounts has of people: usage,
// running slots, resets.
//
// It decides nothing about keys: registry does. Here are the bounds of what is sent (strict JSON
// of 64 KiB, no query parameter that is not known), the conditions of a change (If-Match,
// Idempotency-Key, dry_run), and one table from errors to the problems of RFC 9457.
//
// Invariants: a secret is in the first answer to the request that made it and nowhere else; a
// dry run changes nothing; a change is applied by this replica before its answer; nobody gives
// more than he has.
package registrar
