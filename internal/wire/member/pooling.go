package member

// pooling are the members of what counts input and generates nothing.
var pooling = []Row{
	Overridden.By(ReadTruncatePromptTokens, "truncate_prompt_tokens",
		"cuts the prompt down, on servers that know it; priced whole; null is left out"),
	Passed.Of("use_activation activation softmax normalize embd_normalize truncation_side "+
		"add_special_tokens task additional_data", "how the answer is computed, or told"),
}

// encodingRow is how the numbers of an answer are written; encodesUsage has the same values.
var encodingRow = HeldBack.By(ReadEncoding, "encoding_format",
	"bytes and what nobody knows make an answer that may tell no usage; "+
		"float, base64, binary, ubinary, int8 and uint8 are passed")

// embedding are the members of what turns prompts or conversations into numbers: embeddings,
// pooling and classify.
var embedding = []Row{
	Priced.By(ReadInput, "input", "the texts"),
	Priced.By(ReadMessages, "messages", "a conversation"),
	Priced.By(ReadDocuments, "documents", "documents for the template"),
	Priced.Of("input_type instruction instruct prompt_name",
		"some servers put words before the text for it"),
	encodingRow,
	Passed.Of("dimensions embed_dtype endianness late_chunking", "how the answer is told"),
}

// plugin are the members that only pooling has.
var plugin = []Row{
	HeldBack.Of("data", "the input of a plugin of the model server, whose cost cannot be seen"),
}

// rerank are the members that only rerank has.
var rerank = []Row{
	Priced.By(ReadQuery, "query", "one side of the pairs"),
	Priced.By(ReadDocuments, "documents", "the other side"),
	Priced.Of("instruct instruction", "words that are put before each pair"),
	Passed.Of("top_n return_documents max_tokens_per_query max_tokens_per_doc max_chunks_per_doc "+
		"rank_fields", "how the answer is told, or texts cut"),
}

// score are the members that only score has.
var score = []Row{
	Priced.By(ReadLeft, "text_1 data_1 queries", "one side of the pairs"),
	Priced.By(ReadQuery, "query", "the same, on some servers"),
	Priced.By(ReadRight, "text_2 data_2 items", "the other side"),
	Priced.By(ReadDocuments, "documents", "the same, on some servers"),
	Priced.Of("instruct instruction", "words that are put before each pair"),
	encodingRow,
	Passed.Of("apply_softmax item_first max_tokens_per_query max_tokens_per_doc",
		"how the answer is computed, or told, or texts cut"),
	Passed.By(ReadNumbers, "label_token_ids", "ids of tokens"),
}

// tokenize are the members that only tokenize has.
var tokenize = []Row{
	Priced.By(ReadMessages, "messages", "the conversation"),
	Priced.By(ReadPrompt, "prompt", "the text"),
	Priced.By(ReadDocuments, "documents", "documents for the template"),
	Priced.Of("tool_choice reasoning_effort", "templates may show it"),
	Passed.Of("add_special_tokens return_token_strs with_pieces parse_special",
		"how the answer is told"),
}

// detokenize are the members that only detokenize has.
var detokenize = []Row{
	Priced.By(ReadTokens, "tokens", "the ids of tokens"),
	Passed.Of("skip_special_tokens", "how the text is written out"),
}
