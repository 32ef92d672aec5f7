// Package telemetry has the names and units of everything that the gateway
// shows of itself: metrics, log fields and spans of traces. It writes the log
// without waiting for whoever reads it, and sends traces off; it decides nothing about requests.
//
// Invariants: no label takes a value that a client chose (models, endpoints
// and meters are configured or built in), and no prompt, completion or
// credential is ever a value here.
package telemetry
