// Package member says what becomes of the members of request bodies, and by what they are read.
// The rows themselves stand with the shapes: in openai, anthropic and vllm.
package member
