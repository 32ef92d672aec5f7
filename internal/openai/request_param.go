package openai

// param is a member of a request body that the gateway reads.
type param uint8

const (
	paramUnknown param = iota

	// What decides about the answer.
	paramModel
	paramStream
	paramStreamOptions
	paramMaxTokens
	paramMaxCompletionTokens
	paramMaxOutputTokens
	paramMinTokens
	paramIgnoreEOS
	paramN
	paramBestOf
	paramUseBeamSearch
	paramTruncatePromptTokens
	paramTruncation

	// What ends in the prompt.
	paramMessages
	paramInput
	paramPrompt
	paramTokens
	paramSystem
	paramSuffix
	paramTools
	paramChatTemplate
	paramDocuments
	paramQuery
	paramLeft
	paramRight
	paramPreviousItems

	// What changes cost or priority unseen.
	paramPriority
	paramBackground
	paramHeldBack
)

// paramOf returns the param of a member name.
//
// The names are those of vLLM's request classes (the protocol.py beside each of
// its entrypoints). Members that only shape the output, such as
// response_format and structured_outputs, are not among them: they end in the
// sampler, not in the prompt.
func paramOf(name []byte) param {
	switch string(name) {
	case "model":
		return paramModel
	case "stream":
		return paramStream
	case "stream_options":
		return paramStreamOptions
	case "max_tokens":
		return paramMaxTokens
	case "max_completion_tokens":
		return paramMaxCompletionTokens
	case "max_output_tokens":
		return paramMaxOutputTokens
	case "min_tokens":
		return paramMinTokens
	case "ignore_eos":
		return paramIgnoreEOS
	case "n":
		return paramN
	case "best_of":
		return paramBestOf
	case "use_beam_search":
		return paramUseBeamSearch
	case "truncate_prompt_tokens":
		return paramTruncatePromptTokens
	case "truncation":
		return paramTruncation
	case "messages":
		return paramMessages
	case "input":
		return paramInput
	case "prompt":
		return paramPrompt
	case "tokens":
		return paramTokens
	case "system", "instructions":
		return paramSystem
	case "suffix":
		return paramSuffix
	case "tools", "functions":
		return paramTools
	case "chat_template", "chat_template_kwargs":
		return paramChatTemplate
	case "documents":
		return paramDocuments
	case "query":
		return paramQuery
	case "text_1", "data_1", "queries":
		return paramLeft
	case "text_2", "data_2", "items":
		return paramRight
	case "previous_input_messages", "previous_response":
		return paramPreviousItems
	case "priority":
		return paramPriority
	case "background":
		return paramBackground
	case "kv_transfer_params", "ec_transfer_params", "vllm_xargs", "prompt_embeds",
		"data_parallel_rank", "previous_response_id":
		return paramHeldBack
	}
	return paramUnknown
}

// paramSet is a set of params.
type paramSet uint64

func setOf(params ...param) paramSet {
	var s paramSet
	for _, p := range params {
		s |= 1 << p
	}
	return s
}

func (s paramSet) has(p param) bool { return s>>p&1 != 0 }

var (
	everyParam = setOf(paramModel, paramPriority, paramBackground, paramHeldBack)

	// samplingParams are those of a request that generates from a prompt.
	samplingParams = everyParam | setOf(paramStream, paramStreamOptions, paramMaxTokens, paramMinTokens,
		paramIgnoreEOS, paramN, paramBestOf, paramUseBeamSearch, paramTruncatePromptTokens)

	chatParams = setOf(paramMessages, paramTools, paramChatTemplate, paramDocuments)
)

// endpointParams has the params that count for each endpoint. The model server
// ignores the others there, and so does the gateway.
var endpointParams = [...]paramSet{
	ChatCompletions: samplingParams | chatParams | setOf(paramMaxCompletionTokens),
	Completions:     samplingParams | setOf(paramPrompt, paramSuffix),
	Embeddings:      everyParam | chatParams | setOf(paramInput, paramTruncatePromptTokens),
	Responses: everyParam | setOf(paramStream, paramMaxOutputTokens, paramIgnoreEOS, paramInput, paramSystem,
		paramTools, paramPreviousItems, paramTruncation),
	Messages:    everyParam | setOf(paramStream, paramMaxTokens, paramMessages, paramSystem, paramTools, paramChatTemplate),
	CountTokens: everyParam | setOf(paramMessages, paramSystem, paramTools, paramChatTemplate),
	Rerank:      everyParam | setOf(paramQuery, paramDocuments, paramTruncatePromptTokens),
	Score:       everyParam | setOf(paramLeft, paramRight, paramDocuments, paramTruncatePromptTokens),
	Tokenize:    everyParam | chatParams | setOf(paramPrompt),
	Detokenize:  everyParam | setOf(paramTokens),
}
