package vllm

import "github.com/token-rate-limiter/token-rate-limiter/internal/wire/member"

// Pooling are the members of what counts input and generates nothing.
var Pooling = []member.Row{
	member.Overridden.By(member.ReadTruncatePromptTokens, "truncate_prompt_tokens",
		"cuts the prompt down, on servers that know it; priced whole; null is left out"),
	member.Passed.Of("use_activation activation softmax normalize embd_normalize truncation_side "+
		"add_special_tokens task additional_data", "how the answer is computed, or told"),
}

// encodingRow is how the numbers of an answer are written; encodesUsage has the same values.
var encodingRow = member.HeldBack.By(member.ReadEncoding, "encoding_format",
	"bytes and what nobody knows make an answer that may tell no usage; "+
		"float, base64, binary, ubinary, int8 and uint8 are passed")

// Embedding are the members of what turns prompts or conversations into numbers: embeddings,
// pooling and classify.
var Embedding = []member.Row{
	member.Priced.By(member.ReadInput, "input", "the texts"),
	member.Priced.By(member.ReadMessages, "messages", "a conversation"),
	member.Priced.By(member.ReadDocuments, "documents", "documents for the template"),
	member.Priced.Of("input_type instruction instruct prompt_name",
		"some servers put words before the text for it"),
	encodingRow,
	member.Passed.Of("dimensions embed_dtype endianness late_chunking", "how the answer is told"),
}

// Plugin are the members that only pooling has.
var Plugin = []member.Row{
	member.HeldBack.Of("data",
		"the input of a plugin of the model server, whose cost cannot be seen"),
}

// Rerank are the members that only rerank has.
var Rerank = []member.Row{
	member.Priced.By(member.ReadQuery, "query", "one side of the pairs"),
	member.Priced.By(member.ReadDocuments, "documents", "the other side"),
	member.Priced.Of("instruct instruction", "words that are put before each pair"),
	member.Passed.Of("top_n return_documents max_tokens_per_query max_tokens_per_doc "+
		"max_chunks_per_doc rank_fields", "how the answer is told, or texts cut"),
}

// Score are the members that only score has.
var Score = []member.Row{
	member.Priced.By(member.ReadLeft, "text_1 data_1 queries", "one side of the pairs"),
	member.Priced.By(member.ReadQuery, "query", "the same, on some servers"),
	member.Priced.By(member.ReadRight, "text_2 data_2 items", "the other side"),
	member.Priced.By(member.ReadDocuments, "documents", "the same, on some servers"),
	member.Priced.Of("instruct instruction", "words that are put before each pair"),
	encodingRow,
	member.Passed.Of("apply_softmax item_first max_tokens_per_query max_tokens_per_doc",
		"how the answer is computed, or told, or texts cut"),
	member.Passed.By(member.ReadNumbers, "label_token_ids", "ids of tokens"),
}

// Tokenize are the members that only tokenize has.
var Tokenize = []member.Row{
	member.Priced.By(member.ReadMessages, "messages", "the conversation"),
	member.Priced.By(member.ReadPrompt, "prompt", "the text"),
	member.Priced.By(member.ReadDocuments, "documents", "documents for the template"),
	member.Priced.Of("tool_choice reasoning_effort", "templates may show it"),
	member.Passed.Of("add_special_tokens return_token_strs with_pieces parse_special",
		"how the answer is told"),
}

// Detokenize are the members that only detokenize has.
var Detokenize = []member.Row{
	member.Priced.By(member.ReadTokens, "tokens", "the ids of tokens"),
	member.Passed.Of("skip_special_tokens", "how the text is written out"),
}
