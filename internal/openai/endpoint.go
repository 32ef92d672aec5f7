package openai

// Endpoint is one operation of the data plane. The zero value is no endpoint.
type Endpoint uint8

// The endpoints.
const (
	ChatCompletions Endpoint = iota + 1
	Completions
	Embeddings
	Responses
	Messages
	CountTokens
	Rerank
	Score
	Tokenize
	Detokenize
)

// Endpoints lists every endpoint.
var Endpoints = [...]Endpoint{
	ChatCompletions, Completions, Embeddings, Responses, Messages,
	CountTokens, Rerank, Score, Tokenize, Detokenize,
}

var endpoints = [...]struct{ name, path string }{
	ChatCompletions: {"chat_completions", "/v1/chat/completions"},
	Completions:     {"completions", "/v1/completions"},
	Embeddings:      {"embeddings", "/v1/embeddings"},
	Responses:       {"responses", "/v1/responses"},
	Messages:        {"messages", "/v1/messages"},
	CountTokens:     {"count_tokens", "/v1/messages/count_tokens"},
	Rerank:          {"rerank", "/v1/rerank"},
	Score:           {"score", "/v1/score"},
	Tokenize:        {"tokenize", "/tokenize"},
	Detokenize:      {"detokenize", "/detokenize"},
}

// String returns the name used in metrics and logs, such as "chat_completions".
func (e Endpoint) String() string { return endpoints[e].name }

// Path returns the path of the endpoint on a model server, such as
// "/v1/chat/completions".
func (e Endpoint) Path() string { return endpoints[e].path }

// Generates reports whether the endpoint produces output tokens.
func (e Endpoint) Generates() bool {
	switch e {
	case ChatCompletions, Completions, Responses, Messages:
		return true
	}
	return false
}

// OutputCap returns the name of the request member that bounds the output:
// "max_tokens", or what an endpoint has in its place.
func (e Endpoint) OutputCap() string {
	if e == Responses {
		return "max_output_tokens"
	}
	return "max_tokens"
}

// Counts reports whether the endpoint spends tokens at all. The others
// (count_tokens, tokenize, detokenize) count as a request and no tokens.
func (e Endpoint) Counts() bool {
	switch e {
	case CountTokens, Tokenize, Detokenize:
		return false
	}
	return true
}

// Anthropic reports whether clients of the endpoint expect Anthropic's error
// bodies and stream events rather than OpenAI's.
func (e Endpoint) Anthropic() bool { return e == Messages || e == CountTokens }
