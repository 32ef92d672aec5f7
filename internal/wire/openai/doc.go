// Package openai knows OpenAI's shapes: chunks of chat completions and completions, events of
// responses, how both end, and error objects.
package openai
