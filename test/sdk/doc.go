// Package sdk proves, with tests only, that the libraries that people use work
// through the gateway as they come: OpenAI's for Go and Node, Anthropic's for
// Node, and the AI SDK with its provider for OpenAI-compatible servers.
//
//   - Answers: what each library reads out of JSON and streams is what the model
//     server generated, and what it asked for reached the model server untouched:
//     text, usage, tool calls, log probabilities, reasoning, structured outputs,
//     pictures (answer_test.go).
//   - Errors are of the library's own types (error_test.go).
//   - A 429 tells the library when to come back, and what it then does by itself
//     succeeds: one request served, two attempts (retry_test.go).
//   - The snippets of docs/clients.md are those that run here (docs_test.go).
//
// The libraries for Node run in one process each, which is told what to check
// line by line (node_test.go, node/driver.mjs); `make needs` installs them. Time
// of the limits stands still unless a test lets it run. The package has no code
// of its own.
package sdk
