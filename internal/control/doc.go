// Package control brings the gateway to what its sources want. The files of the configuration
// are one [Source]; whatever else says something of limits and keys is another. Their layers
// are merged into one desired [State], which is checked as a whole, has a revision, and is
// applied whole or not at all.
//
// Invariants, each with a test:
//
//   - A layer that is wrong, or that cannot be had, changes nothing: what its source said before
//     stands, and the layers of other sources go on being applied.
//   - Revisions grow by one with each state that is applied.
//   - What is wrong is told once, however often it is read, and again to whoever asks.
//
// A [Reconciler] is safe for concurrent use. The package knows neither stores nor requests: the
// function that it is given makes a state what is served.
package control
