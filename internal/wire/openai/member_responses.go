package openai

import "github.com/token-rate-limiter/token-rate-limiter/internal/wire/member"

// Responses are the members that only responses have.
var Responses = []member.Row{
	member.Overridden.By(member.ReadStream, "stream", "says which answer comes; null is left out"),
	member.Overridden.By(member.ReadOutputCap, "max_output_tokens",
		"the output's cap; null is left out"),
	member.Overridden.By(member.ReadIgnoreEOS, "ignore_eos",
		"the output goes on to its cap; null is left out"),
	member.Overridden.By(member.ReadTruncation, "truncation",
		"cuts the prompt down, on servers that know it; priced whole; null is left out"),

	member.Priced.By(member.ReadInput, "input", "the conversation"),
	member.Priced.By(member.ReadSystem, "instructions", "what becomes the first message"),
	member.Priced.By(member.ReadTools, "tools", "tools, as the template shows them"),
	member.Priced.By(member.ReadPreviousItems, "previous_input_messages previous_response",
		"earlier turns"),
	member.Priced.Of("text structured_outputs", "grammars, which some templates show to the model"),
	member.Priced.Of("reasoning tool_choice", "templates may show it"),
	member.Priced.Of("context_management moderation",
		"text, which a server may put into the context"),

	member.HeldBack.Of("prompt", "a prompt that is stored at the model server"),
	member.HeldBack.Of("background_options", "they order what is generated after the answer"),
	member.HeldBack.Of("image", "it changes how many tokens pictures have"),

	member.Passed.Of("include store parallel_tool_calls top_logprobs max_tool_calls "+
		"stream_options enable_response_messages access_programs",
		"how the answer is told; the usage comes with its end"),
	member.Passed.Of("frequency_penalty presence_penalty repetition_penalty min_p seed stop",
		"only control sampling"),
	member.Passed.Of("include_stop_str_in_output skip_special_tokens",
		"how the text is written out"),
	member.Passed.By(member.ReadNumbers, "logit_bias",
		"only controls sampling, with ids of tokens"),
}
