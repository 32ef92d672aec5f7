package member

import (
	"slices"

	"github.com/token-rate-limiter/token-rate-limiter/internal/wire"
)

// Every is the rows that every endpoint has.
var Every = slices.Concat(every, held)

// Endpoints has, for each endpoint, all other members that OpenAI's, Anthropic's and vLLM's
// interfaces define there or have defined, and those that SGLang, llama.cpp and Ollama add.
// Nobody has classified what is in none of them.
var Endpoints = [...][]Row{
	wire.ChatCompletions: slices.Concat(sampling, generation, template, arguments, chat),
	wire.Completions:     slices.Concat(sampling, generation, completion),
	wire.Embeddings:      slices.Concat(template, arguments, pooling, embedding),
	wire.Responses:       slices.Concat(sampling, responses),
	wire.Messages:        slices.Concat(sampling, anthropic, arguments, messages),
	wire.CountTokens:     slices.Concat(anthropic, arguments, countTokens),
	wire.Rerank:          slices.Concat(pooling, arguments, rerank),
	wire.Score:           slices.Concat(pooling, arguments, score),
	wire.Pooling:         slices.Concat(template, arguments, pooling, embedding, plugin),
	wire.Classify:        slices.Concat(template, arguments, pooling, embedding),
	wire.Tokenize:        slices.Concat(template, arguments, tokenize),
	wire.Detokenize:      detokenize,
}

// Tables is the rows of each endpoint by name.
var Tables = func() (tables [len(Endpoints)]*Table) {
	for e, rows := range Endpoints {
		tables[e] = newTable(slices.Concat(Every, rows))
	}
	return tables
}()
