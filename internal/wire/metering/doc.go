// Package metering adds up what answers and their events tell of tokens and of generated text, in
// any shape. It knows the members that tell usage or have text; which event has which is known to
// the packages of the shapes.
package metering
