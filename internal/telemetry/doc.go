// Package telemetry has the names and units of everything that the gateway
// shows of itself: metrics and log fields. It decides nothing.
//
// Invariants: no label takes a value that a client chose (models, endpoints
// and meters are configured or built in), and no prompt, completion or
// credential is ever a value here.
package telemetry
