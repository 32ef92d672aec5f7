// Package sdk proves, with tests only, that the libraries that people use work
// through the gateway as they come: OpenAI's for Python, Go and Node, Anthropic's for
// Python and Node, LangChain's provider for OpenAI's API, and the AI SDK with its
// provider for OpenAI-compatible servers. Those for Python are tested with both of
// their clients, the synchronous one and the asynchronous one.
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
// The libraries for Python and Node run in one process each, which is told what to
// check line by line (process_test.go, python/driver.py, node/driver.mjs); `make needs`
// installs them. Time of the limits stands still unless a test lets it run. The
// package has no code of its own.
package sdk
