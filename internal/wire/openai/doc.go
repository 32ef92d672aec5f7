// Package openai knows OpenAI's shapes: chunks of chat completions and completions, events of
// responses, how both end, error objects, and the members of their requests.
package openai
