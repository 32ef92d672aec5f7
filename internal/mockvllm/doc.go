// Package mockvllm is a stand-in for vLLM's OpenAI-compatible server, and the
// independent judge of what a gateway charges.
//
// A [Server] is an [net/http.Handler] with vLLM's routes: chat completions,
// completions, embeddings, responses, messages, count_tokens, rerank, score, pooling,
// classify, tokenize, detokenize, models, health, ping, version and metrics. Answers have
// the members, order and nulls of vLLM's; their text comes from a counter and
// not from a model. A [Ledger] books what each request really spent, whatever
// was told or arrived. Nothing here is shared with the code that it judges but
// the names of endpoints.
//
// # Tokens
//
// [CountTokens] is the whole tokenizer. A chat prompt costs 4 tokens for each
// message and 3 in all on top of its texts; tools cost their JSON. Each
// generated token is a word (or a Hangul syllable) that no other token of its
// choice repeats, and that is one token to CountTokens too, so the text that
// arrived tells how many tokens did; [Text] returns what to expect.
//
// max_tokens and its kin, min_tokens, ignore_eos, n, best_of, prompt lists,
// token-id prompts, logprobs and top_logprobs do what they do in vLLM. An answer
// whose format is JSON (response_format of chats, text.format of responses) is
// the least value that the schema admits, with the generated text in its first
// string: what is around the text is no token, as with a tool's arguments. Usage
// counts all sequences of best_of. stop, echo, seed and sampling parameters do
// nothing. stream_interval is how many tokens an event of chats and completions has, but for
// the first and the last, and include_reasoning false lets no event come of reasoning: the
// usage comes as seldom. A completion without max_tokens, or with null, gets what [Model] says.
//
// # Behaviour of a request
//
// The body's member "mock" says how its request is answered; a gateway passes it
// on where the model's allow-fields list it. Its members are those of [Behavior], for example
//
//	{"model": "m", "messages": [...], "mock": {"output_tokens": 40, "ttft_ms": 5, "token_ms": 1}}
//
// A value or member that is not known is answered with 400. What is left out
// comes from [Server.SetDefaults]. [Options.Stumbles] answers bodies of a kind so, for
// instance with 500, without their asking.
//
// # Invariants
//
// The ledger knows a token before its client can: what arrived is never more
// than what is booked. A request ends in the ledger before its last bytes
// leave, so that a client that sends the next request only after reading them
// is never counted twice in [Ledger.MaxRunning]. A client that leaves stops
// its request at once, streamed or not: every wait ends with the request's
// context, which net/http cancels because bodies are read to their end first.
//
// Server and Ledger are safe for concurrent use. A server starts no goroutine:
// all work is done in the handlers.
package mockvllm
