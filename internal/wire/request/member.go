package request

import (
	"slices"

	"github.com/token-rate-limiter/token-rate-limiter/internal/wire"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/anthropic"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/member"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/openai"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/vllm"
)

// everyRows is the rows that every endpoint has.
var everyRows = [][]member.Row{vllm.Every, vllm.Held}

// endpointRows has, for each endpoint, all other members that OpenAI's, Anthropic's and vLLM's
// interfaces define there or have defined, and those that SGLang, llama.cpp and Ollama add.
// Nobody has classified what is in none of them.
var endpointRows = [...][][]member.Row{
	wire.ChatCompletions: {
		openai.Sampling, openai.Generation, vllm.Template, vllm.Arguments, openai.Chat,
	},
	wire.Completions: {openai.Sampling, openai.Generation, openai.Completion},
	wire.Embeddings:  {vllm.Template, vllm.Arguments, vllm.Pooling, vllm.Embedding},
	wire.Responses:   {openai.Sampling, openai.Responses},
	wire.Messages:    {openai.Sampling, anthropic.Every, vllm.Arguments, anthropic.Messages},
	wire.CountTokens: {anthropic.Every, vllm.Arguments, anthropic.CountTokens},
	wire.Rerank:      {vllm.Pooling, vllm.Arguments, vllm.Rerank},
	wire.Score:       {vllm.Pooling, vllm.Arguments, vllm.Score},
	wire.Pooling:     {vllm.Template, vllm.Arguments, vllm.Pooling, vllm.Embedding, vllm.Plugin},
	wire.Classify:    {vllm.Template, vllm.Arguments, vllm.Pooling, vllm.Embedding},
	wire.Tokenize:    {vllm.Template, vllm.Arguments, vllm.Tokenize},
	wire.Detokenize:  {vllm.Detokenize},
}

// endpointMembers is the rows of each endpoint by name.
var endpointMembers = func() (tables [len(endpointRows)]*member.Table) {
	for e, rows := range endpointRows {
		tables[e] = member.NewTable(slices.Concat(everyRows, rows)...)
	}
	return tables
}()

// Members returns the members that are classified for an endpoint, by name.
func Members(e wire.Endpoint) []member.Member { return endpointMembers[e].Members() }
