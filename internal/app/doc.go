// Package app is the composition root: it builds every part from the
// configuration, in order, runs them, and closes them when nobody uses them any more.
//
// It is handed the configuration, loaded and checked. Of the parts of a gateway
// it and control are the only ones that know settings, and it alone chooses a store;
// every other part gets its own options. It decides nothing about requests.
package app
