package openai

// poolingRows are the members of what counts input and generates nothing.
var poolingRows = []row{
	Overridden.by(paramTruncatePromptTokens, "truncate_prompt_tokens",
		"cuts the prompt down, on servers that know it; priced whole; null is left out"),
	Passed.of(
		"use_activation activation softmax normalize embd_normalize truncation_side "+
			"add_special_tokens task additional_data",
		"how the answer is computed, or told"),
}

// encodingRow is how the numbers of an answer are written; encodesUsage has the same
// values.
var encodingRow = HeldBack.by(paramEncoding, "encoding_format",
	"bytes and what nobody knows make an answer that may tell no usage; float, base64, binary, ubinary, int8 and uint8 are passed")

// embeddingRows are the members of what turns prompts or conversations into numbers:
// embeddings, pooling and classify.
var embeddingRows = []row{
	Priced.by(paramInput, "input", "the texts"),
	Priced.by(paramMessages, "messages", "a conversation"),
	Priced.by(paramDocuments, "documents", "documents for the template"),
	Priced.of("input_type instruction instruct prompt_name",
		"some servers put words before the text for it"),
	encodingRow,
	Passed.of("dimensions embed_dtype endianness late_chunking", "how the answer is told"),
}

// pluginRows are the members that only pooling has.
var pluginRows = []row{
	HeldBack.of("data",
		"the input of a plugin of the model server, whose cost cannot be seen"),
}

// rerankRows are the members that only rerank has.
var rerankRows = []row{
	Priced.by(paramQuery, "query", "one side of the pairs"),
	Priced.by(paramDocuments, "documents", "the other side"),
	Priced.of("instruct instruction", "words that are put before each pair"),
	Passed.of(
		"top_n return_documents max_tokens_per_query max_tokens_per_doc max_chunks_per_doc "+
			"rank_fields",
		"how the answer is told, or texts cut"),
}

// scoreRows are the members that only score has.
var scoreRows = []row{
	Priced.by(paramLeft, "text_1 data_1 queries", "one side of the pairs"),
	Priced.by(paramQuery, "query", "the same, on some servers"),
	Priced.by(paramRight, "text_2 data_2 items", "the other side"),
	Priced.by(paramDocuments, "documents", "the same, on some servers"),
	Priced.of("instruct instruction", "words that are put before each pair"),
	encodingRow,
	Passed.of("apply_softmax item_first max_tokens_per_query max_tokens_per_doc",
		"how the answer is computed, or told, or texts cut"),
	Passed.by(paramNumbers, "label_token_ids", "ids of tokens"),
}

// tokenizeRows are the members that only tokenize has.
var tokenizeRows = []row{
	Priced.by(paramMessages, "messages", "the conversation"),
	Priced.by(paramPrompt, "prompt", "the text"),
	Priced.by(paramDocuments, "documents", "documents for the template"),
	Priced.of("tool_choice reasoning_effort", "templates may show it"),
	Passed.of("add_special_tokens return_token_strs with_pieces parse_special",
		"how the answer is told"),
}

// detokenizeRows are the members that only detokenize has.
var detokenizeRows = []row{
	Priced.by(paramTokens, "tokens", "the ids of tokens"),
	Passed.of("skip_special_tokens", "how the text is written out"),
}
