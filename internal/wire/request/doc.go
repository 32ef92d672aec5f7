// Package request reads of a request's body what the gateway must know to price and to route it,
// and makes the body that goes to the model server. One reader serves all endpoints: a body is
// priced by what any model server may make of it, whatever the endpoint's shape is.
//
// Invariant: no member is sent that nobody has classified, unless the operator allows it.
package request
