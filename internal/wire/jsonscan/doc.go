// Package jsonscan reads JSON text by places: it says where values stand, and copies and builds
// nothing. So the bytes around a value can be kept as they are.
//
// It knows no product: which members matter is its callers' business. It reads the bytes of
// strangers: the grammar is RFC 8259's, nesting is bounded, and it never panics. The tests
// compare it with a decoder.
package jsonscan
