// Package catalog says which models are served: under which names, by which
// model server, within which limits and at which price.
//
// A Catalog is one immutable snapshot. A change of the configuration makes a
// new one; requests go on with the models they have found. What is learned and
// counted about a model outlives the snapshot, because it lives in the model's
// Pricer, Server and the store, which the next snapshot takes over.
package catalog
