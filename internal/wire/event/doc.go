// Package event reads and changes the JSON object of an answer, or of an event of a streamed one:
// where its members stand that the gateway looks at, what identifies the stream, what error it
// tells. Every byte that is not changed stays as it is.
package event
