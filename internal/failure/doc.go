// Package failure says why a request is not served: a [Kind] and the facts about it. Every
// part of the gateway that refuses a request, or cannot serve it, returns an [*Error].
//
// The package knows no protocol. What clients are told of a kind, its status and the shape of
// its body, is decided by package reply alone.
//
// Invariant: [Error.Error] quotes nothing of a prompt, of an answer or of a credential.
package failure
