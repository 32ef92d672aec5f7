// Package database keeps the registry in a SQL database: SQLite in a file of this machine, or
// PostgreSQL, which several replicas share. The SQL is written by hand and is the same for both
// but for what [engine] has.
//
// Invariants: a write is one transaction that raises the revision first, whose row it locks, so
// that revisions become visible in their order; the change, its row in changes and its record
// for the audit are in that transaction. No secret is ever in a statement, only hashes are.
package database
