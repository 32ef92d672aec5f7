// Package app is the composition root: it builds every part from the
// configuration, in order, runs them, and closes them in reverse.
//
// It is the only package that reads the configuration and the only one that
// chooses a store; every other part gets its own options. It decides nothing
// about requests.
package app
