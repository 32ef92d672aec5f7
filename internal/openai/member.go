package openai

// endpointRows has one table per endpoint: all members that OpenAI's, Anthropic's and vLLM's
// interfaces define there or have defined, and those that SGLang, llama.cpp and
// Ollama add. What is not in it, nobody has classified.
var endpointRows = [...][][]row{
	ChatCompletions: {everyRows, heldRows, samplingRows, generationRows, templateRows, argumentRows, chatRows},
	Completions:     {everyRows, heldRows, samplingRows, generationRows, completionRows},
	Embeddings:      {everyRows, heldRows, templateRows, argumentRows, poolingRows, embeddingRows},
	Responses:       {everyRows, heldRows, samplingRows, responsesRows},
	Messages:        {everyRows, heldRows, samplingRows, anthropicRows, argumentRows, messagesRows},
	CountTokens:     {everyRows, heldRows, anthropicRows, argumentRows, countTokensRows},
	Rerank:          {everyRows, heldRows, poolingRows, argumentRows, rerankRows},
	Score:           {everyRows, heldRows, poolingRows, argumentRows, scoreRows},
	Pooling:         {everyRows, heldRows, templateRows, argumentRows, poolingRows, embeddingRows, pluginRows},
	Classify:        {everyRows, heldRows, templateRows, argumentRows, poolingRows, embeddingRows},
	Tokenize:        {everyRows, heldRows, templateRows, argumentRows, tokenizeRows},
	Detokenize:      {everyRows, heldRows, detokenizeRows},
}

// endpointMembers is endpointRows by name.
var endpointMembers = func() (tables [len(endpointRows)]*memberTable) {
	for e, lists := range endpointRows {
		tables[e] = newTable(lists...)
	}
	return tables
}()

// Members returns the members that are classified for an endpoint, by name.
func Members(e Endpoint) []Member { return endpointMembers[e].members() }
