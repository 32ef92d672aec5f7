// Package openai knows the wire formats that model servers and their clients
// speak: OpenAI's chat completions, completions, embeddings and responses,
// Anthropic's messages, and the rerank, score and tokenize routes of vLLM.
//
// It reads of a request what the gateway must know to price and route it,
// rebuilds the body that goes to the model server, reads the usage out of
// answers and stream events, hides what the client did not ask for, and
// renders error bodies that SDKs recognise. It opens no connection, keeps no
// account and knows no limit.
//
// Everything here reads bytes of strangers. Parsers are strict (a body that
// two parsers could read differently is refused), never panic, and hold no
// more memory than a constant multiple of their input.
package openai
