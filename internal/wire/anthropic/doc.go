// Package anthropic knows Anthropic's shapes: events of messages, how they end, error objects,
// and the members of requests.
package anthropic
