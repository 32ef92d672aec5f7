package wire

import "strings"

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
	Pooling
	Classify
	Tokenize
	Detokenize
)

// Endpoints lists every endpoint.
var Endpoints = [...]Endpoint{
	ChatCompletions, Completions, Embeddings, Responses, Messages,
	CountTokens, Rerank, Score, Pooling, Classify, Tokenize, Detokenize,
}

// endpoints has a name for each, and the paths that it is asked for at: the first is the model
// server's too.
var endpoints = [...]struct {
	name  string
	paths []string
}{
	ChatCompletions: {"chat_completions", []string{"/v1/chat/completions"}},
	Completions:     {"completions", []string{"/v1/completions"}},
	Embeddings:      {"embeddings", []string{"/v1/embeddings"}},
	Responses:       {"responses", []string{"/v1/responses"}},
	Messages:        {"messages", []string{"/v1/messages"}},
	CountTokens:     {"count_tokens", []string{"/v1/messages/count_tokens"}},
	Rerank:          {"rerank", []string{"/v1/rerank", "/v2/rerank", "/rerank"}},
	Score:           {"score", []string{"/v1/score", "/score"}},
	Pooling:         {"pooling", []string{"/pooling", "/v1/pooling"}},
	Classify:        {"classify", []string{"/classify", "/v1/classify"}},
	Tokenize:        {"tokenize", []string{"/tokenize"}},
	Detokenize:      {"detokenize", []string{"/detokenize"}},
}

// String returns the name used in metrics and logs, such as "chat_completions".
func (e Endpoint) String() string { return endpoints[e].name }

// EndpointNamed returns the endpoint with a name, as String returns it.
func EndpointNamed(name string) (Endpoint, bool) {
	for _, e := range Endpoints {
		if e.String() == name {
			return e, true
		}
	}
	return 0, false
}

// Path returns the path of the endpoint on a model server, such as "/v1/chat/completions".
func (e Endpoint) Path() string { return endpoints[e].paths[0] }

// Paths returns the paths at which clients ask for the endpoint, all alike: Path, and others that
// vLLM has or that clients expect. The caller must not change them.
func (e Endpoint) Paths() []string { return endpoints[e].paths }

// Operation returns the path of the endpoint behind a model, such as "/chat/completions".
func (e Endpoint) Operation() string { return strings.TrimPrefix(e.Path(), "/v1") }

// EndpointAtEnd returns the path of the endpoint, or of the list of models, with which a path
// ends that is not right; "" if there is none.
func EndpointAtEnd(path string) (meant string) {
	path = strings.TrimRight(path, "/")
	for _, e := range Endpoints {
		if strings.HasSuffix(path, e.Operation()) {
			return e.Path()
		}
	}
	if strings.HasSuffix(path, "/models") {
		return "/v1/models"
	}
	return ""
}

// Generates reports whether the endpoint produces output tokens.
func (e Endpoint) Generates() bool {
	return e == ChatCompletions || e == Completions || e == Responses || e == Messages
}

// Pools reports whether the endpoint turns prompts or conversations into numbers, as embeddings do.
func (e Endpoint) Pools() bool { return e == Embeddings || e == Pooling || e == Classify }

// OutputCap returns the name of the request member that bounds the output: "max_tokens", or what
// an endpoint has in its place.
func (e Endpoint) OutputCap() string {
	if e == Responses {
		return "max_output_tokens"
	}
	return "max_tokens"
}

// Counts reports whether the endpoint spends tokens at all. The others (count_tokens, tokenize,
// detokenize) count as a request and no tokens.
func (e Endpoint) Counts() bool { return e != CountTokens && e != Tokenize && e != Detokenize }

// Anthropic reports whether clients of the endpoint expect Anthropic's error bodies and stream
// events rather than OpenAI's.
func (e Endpoint) Anthropic() bool { return e == Messages || e == CountTokens }
