// Package anthropic knows Anthropic's shapes: events of messages, how they end, and error objects.
package anthropic
