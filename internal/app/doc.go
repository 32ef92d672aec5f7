// Package app is the composition root: it builds every part from the
// configuration, in order, runs them, and closes them in reverse.
//
// It is handed the configuration, loaded and checked. Of the parts of a gateway
// it is the only one that knows config, and the only one that chooses a store;
// every other part gets its own options. It decides nothing about requests.
package app
