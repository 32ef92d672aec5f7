// Package hostile proves, against whole gateways, what clients cannot do to
// them and what they are told:
//
//   - a body that is not strict JSON costs nobody anything, and no body, head or
//     path makes the gateway send what it does not understand;
//   - slow and huge requests are cut in time, and others do not notice;
//   - a request whose framing could be read in two ways is one request at most;
//   - only known endpoints, listed header fields and a checked body reach a
//     model server, and no credential does;
//   - a caller is who the credential says;
//   - every answer has the status, code, shape and header fields of its kind;
//   - a denied client is told a time that is neither too early nor too late, and
//     a crowd of them does not come back at once;
//   - memory and metrics do not grow with the names that clients invent;
//   - prompts, completions and keys are in no log line, metric or error.
//
// The model server is the stand-in of internal/mockvllm, whose ledger says what
// reached it. There is nothing to import here.
package hostile
