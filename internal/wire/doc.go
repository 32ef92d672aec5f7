// Package wire has what all formats of model servers and their clients have in common: the
// endpoints, what is said of usage, and what a client is told of a failure before it has a shape.
// The formats themselves have packages of their own.
//
// Nothing in this folder opens a connection, keeps an account or knows a limit. All of it reads
// the bytes of strangers: readers are strict (a body that two parsers could read differently is
// refused), never panic, and hold no more memory than a constant multiple of their input.
package wire
