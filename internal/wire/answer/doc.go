// Package answer reads what model servers answer, whole, in pieces or as a stream of events, by
// the shape of the endpoint: it meters what was spent, hides what the client did not ask for, and
// ends streams that the gateway stops.
package answer
