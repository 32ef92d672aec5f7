// Package reply writes the answers that the gateway gives itself: errors in the shape that
// the client of an endpoint expects, JSON, and the id of each request.
//
// Nothing here decides anything, and nothing of a model server's passes through it.
package reply
