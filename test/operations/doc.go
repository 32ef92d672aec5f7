// Package operations proves, with tests only, what operators are promised of a
// whole gateway: encryption with certificates that change, HTTP/2 with the guards
// that HTTP/1.1 has, what its listeners serve to whom, metrics by their names,
// and traces.
//
// The package has no code of its own.
package operations
