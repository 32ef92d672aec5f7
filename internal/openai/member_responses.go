package openai

// responsesRows are the members that only responses have.
var responsesRows = []row{
	Overridden.by(paramStream, "stream",
		"says which answer comes; null is left out"),
	Overridden.by(paramOutputCap, "max_output_tokens",
		"the output's cap; null is left out"),
	Overridden.by(paramIgnoreEOS, "ignore_eos",
		"the output goes on to its cap; null is left out"),
	Overridden.by(paramTruncation, "truncation",
		"cuts the prompt down, on servers that know it; priced whole; null is left out"),

	Priced.by(paramInput, "input", "the conversation"),
	Priced.by(paramSystem, "instructions", "what becomes the first message"),
	Priced.by(paramTools, "tools", "tools, as the template shows them"),
	Priced.by(paramPreviousItems, "previous_input_messages previous_response",
		"earlier turns"),
	Priced.of("text structured_outputs", "grammars, which some templates show to the model"),
	Priced.of("reasoning tool_choice", "templates may show it"),
	Priced.of("context_management moderation",
		"text, which a server may put into the context"),

	HeldBack.of("prompt", "a prompt that is stored at the model server"),
	HeldBack.of("background_options", "they order what is generated after the answer"),
	HeldBack.of("image", "it changes how many tokens pictures have"),

	Passed.of(
		"include store parallel_tool_calls top_logprobs max_tool_calls stream_options "+
			"enable_response_messages access_programs",
		"how the answer is told; the usage comes with its end"),
	Passed.of("frequency_penalty presence_penalty repetition_penalty min_p seed stop",
		"only control sampling"),
	Passed.of("include_stop_str_in_output skip_special_tokens",
		"how the text is written out"),
	Passed.by(paramNumbers, "logit_bias",
		"only controls sampling, with ids of tokens"),
}
