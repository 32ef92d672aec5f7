// Package catalog says which models are served: under which names, by which
// model servers, within which limits and at which price.
//
// A Catalog is one immutable snapshot, and a request goes on with the model that
// it has found. What is learned and counted about a model lives in its Pricer,
// its Pool and the store, not in the snapshot. A Model is held by its Catalog and by
// each request on it, and goes with the last of them.
package catalog
