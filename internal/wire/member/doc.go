// Package member says what becomes of the members of request bodies, and by what they are read:
// of those that OpenAI, Anthropic, vLLM and servers of its kind have.
package member
