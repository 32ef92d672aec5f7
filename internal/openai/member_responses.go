package openai

// responsesRows are the members that only responses have.
var responsesRows = []row{
	{Overridden, paramStream, "stream", "says which answer comes; null is left out"},
	{Overridden, paramOutputCap, "max_output_tokens", "the output's cap; null is left out"},
	{Overridden, paramIgnoreEOS, "ignore_eos", "the output goes on to its cap; null is left out"},
	{Overridden, paramTruncation, "truncation", "cuts the prompt down, on servers that know it; priced whole; null is left out"},

	{Priced, paramInput, "input", "the conversation"},
	{Priced, paramSystem, "instructions", "what becomes the first message"},
	{Priced, paramTools, "tools", "tools, as the template shows them"},
	{Priced, paramPreviousItems, "previous_input_messages previous_response", "earlier turns"},
	{Priced, 0, "text structured_outputs", "grammars, which some templates show to the model"},
	{Priced, 0, "reasoning tool_choice", "templates may show it"},
	{Priced, 0, "context_management moderation", "text, which a server may put into the context"},

	{HeldBack, 0, "prompt", "a prompt that is stored at the model server"},
	{HeldBack, 0, "background_options", "they order what is generated after the answer"},
	{HeldBack, 0, "image", "it changes how many tokens pictures have"},

	{Passed, 0, "include store parallel_tool_calls top_logprobs max_tool_calls stream_options enable_response_messages access_programs",
		"how the answer is told; the usage comes with its end"},
	{Passed, 0, "frequency_penalty presence_penalty repetition_penalty min_p seed stop", "only control sampling"},
	{Passed, 0, "include_stop_str_in_output skip_special_tokens", "how the text is written out"},
	{Passed, paramNumbers, "logit_bias", "only controls sampling, with ids of tokens"},
}
