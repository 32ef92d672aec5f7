// Package disk keeps a copy of what a gateway knows of the registry in a file of its own, so that
// a gateway that starts while the control database is away knows the keys of before.
//
// Invariants: the file has hashes and no secret, and nobody else can read it; it is replaced as a
// whole or not at all; what is damaged, of another format or of another database is not used.
package disk
