package member

// sampling are what endpoints that generate have in common: they end in the sampler.
var sampling = []Row{
	Passed.Of("temperature top_p top_k", "only control sampling"),
}

// generation are the members that chat completions and completions share.
var generation = []Row{
	Overridden.By(ReadStream, "stream", "says which answer comes; null is left out"),
	Overridden.By(ReadStreamOptions, "stream_options",
		"usage is asked for on every event; what else it has is left out"),
	Overridden.By(ReadOutputCap, "max_tokens max_completion_tokens",
		"the output's cap; the smallest is written to all"),
	Overridden.By(ReadMinTokens, "min_tokens", "the least output; null is left out"),
	Overridden.By(ReadIgnoreEOS, "ignore_eos", "the output goes on to its cap; null is left out"),
	Overridden.By(ReadN, "n", "answers for each prompt; null is left out"),
	Overridden.By(ReadBestOf, "best_of", "sequences for each prompt; null is left out"),
	Overridden.By(ReadUseBeamSearch, "use_beam_search", "its width is n; null is left out"),
	Overridden.By(ReadTruncatePromptTokens, "truncate_prompt_tokens",
		"cuts the prompt down, on servers that know it; priced whole; null is left out"),
	Overridden.By(ReadSilencing, "stream_interval stream_reasoning include_reasoning",
		"left out of streams where it keeps events, and the usage on them, from coming"),

	Passed.Of("frequency_penalty presence_penalty repetition_penalty length_penalty min_p seed "+
		"stop stop_regex bad_words early_stopping", "only control sampling"),
	Passed.Of("typical_p typical top_n_sigma top_a tfs_z mirostat mirostat_tau mirostat_eta "+
		"mirostat_mode xtc_probability xtc_threshold dynatemp_range dynatemp_exponent "+
		"dry_multiplier dry_base dry_allowed_length dry_penalty_last_n dry_sequence_breakers "+
		"repeat_penalty repeat_last_n min_keep samplers adaptive_target adaptive_decay "+
		"penalty_alpha watermarking", "only control sampling"),
	Passed.By(ReadNumbers, "logit_bias allowed_token_ids stop_token_ids logprob_token_ids",
		"only control sampling, with ids of tokens"),
	Passed.Of("include_stop_str_in_output no_stop_trim skip_special_tokens "+
		"spaces_between_special_tokens",
		"how the text is written out; events and their usage come all the same"),
	Passed.Of("thinking_token_budget repetition_detection reasoning_budget_tokens "+
		"reasoning_budget_arm_immediately", "end an output sooner"),
	Passed.Of("logprobs top_logprobs prompt_logprobs n_probs post_sampling_probs "+
		"return_tokens_as_token_ids return_token_ids return_tokens return_hidden_states "+
		"return_routed_experts routed_experts_start_len routed_experts_prompt_start "+
		"return_cached_tokens_details return_prompt_token_ids return_prompt_text "+
		"return_meta_info return_token_offsets return_mm_kwargs return_progress timings_per_token",
		"what else the answer tells; its usage stays"),
	Passed.Of("add_special_tokens truncation_side cache_prompt store",
		"a choice with no text of its own"),
	Passed.Of("n_indent n_cache_reuse backend_sampling speculative.n_min speculative.n_max "+
		"speculative.p_min speculative.type speculative.ngram_size_n speculative.ngram_size_m "+
		"speculative.ngram_m_hits", "how the engine gets to the same tokens"),
	Passed.By(ReadEcho, "echo", "begins the answer with the prompt, which is charged as input"),

	Priced.Of("response_format structured_outputs structural_tag guided_json guided_regex "+
		"guided_choice guided_grammar guided_decoding_backend guided_whitespace_pattern "+
		"json_schema regex ebnf grammar grammar_lazy grammar_triggers preserved_tokens",
		"grammars, which some templates show to the model"),
	Priced.Of("reasoning_budget_message reasoning_budget_start_tag reasoning_budget_end_tag",
		"text that is put into the context"),
}

// completion are the members that only completions have.
var completion = []Row{
	Priced.By(ReadPrompt, "prompt", "the prompts"),
	Priced.By(ReadSuffix, "suffix", "what comes behind the answer"),
}

// chat are the members that only chat completions have.
var chat = []Row{
	Priced.By(ReadMessages, "messages", "the conversation"),
	Priced.By(ReadDocuments, "documents", "documents for the template"),
	Priced.Of("tool_choice function_call", "templates may show it"),
	Priced.Of("reasoning_effort reasoning thinking enable_thinking think verbosity task",
		"templates may show it"),
	Priced.Of("prediction web_search_options moderation",
		"text, which a server may put into the context"),
	Passed.Of("parallel_tool_calls modalities audio separate_reasoning reasoning_format "+
		"reasoning_in_content thinking_forced_open parse_tool_calls", "how the answer is told"),
}

// responses are the members that only responses have.
var responses = []Row{
	Overridden.By(ReadStream, "stream", "says which answer comes; null is left out"),
	Overridden.By(ReadOutputCap, "max_output_tokens", "the output's cap; null is left out"),
	Overridden.By(ReadIgnoreEOS, "ignore_eos", "the output goes on to its cap; null is left out"),
	Overridden.By(ReadTruncation, "truncation",
		"cuts the prompt down, on servers that know it; priced whole; null is left out"),

	Priced.By(ReadInput, "input", "the conversation"),
	Priced.By(ReadSystem, "instructions", "what becomes the first message"),
	Priced.By(ReadTools, "tools", "tools, as the template shows them"),
	Priced.By(ReadPreviousItems, "previous_input_messages previous_response", "earlier turns"),
	Priced.Of("text structured_outputs", "grammars, which some templates show to the model"),
	Priced.Of("reasoning tool_choice", "templates may show it"),
	Priced.Of("context_management moderation", "text, which a server may put into the context"),

	HeldBack.Of("prompt", "a prompt that is stored at the model server"),
	HeldBack.Of("background_options", "they order what is generated after the answer"),
	HeldBack.Of("image", "it changes how many tokens pictures have"),

	Passed.Of("include store parallel_tool_calls top_logprobs max_tool_calls stream_options "+
		"enable_response_messages access_programs",
		"how the answer is told; the usage comes with its end"),
	Passed.Of("frequency_penalty presence_penalty repetition_penalty min_p seed stop",
		"only control sampling"),
	Passed.Of("include_stop_str_in_output skip_special_tokens", "how the text is written out"),
	Passed.By(ReadNumbers, "logit_bias", "only controls sampling, with ids of tokens"),
}
