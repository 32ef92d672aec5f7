// Package limittest is the suite that every limit.Store passes, on a clock
// that the test moves: timelines with exact answers, random histories compared
// with a model that is too simple to be wrong, and callers that compete.
//
// It also has the judge of the rolling bound, which reads a log of charges and
// looks at every window that begins or ends at a charge.
package limittest
