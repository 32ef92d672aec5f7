package openai

// anthropicRows are the members that Anthropic's endpoints share.
var anthropicRows = []row{
	Priced.by(paramMessages, "messages", "the conversation"),
	Priced.by(paramSystem, "system", "what becomes the first message"),
	Priced.by(paramTools, "tools", "tools, as the template shows them"),
	Priced.of("tool_choice thinking", "templates may show it"),
	Priced.of("output_config output_format",
		"grammars, which some templates show to the model"),
	Priced.of("mcp_servers context_management compaction",
		"text, which a server may put into the context"),
	HeldBack.of("thread", "a conversation that is stored at the model server"),
	Passed.of(
		"anthropic_version anthropic_beta betas speed cache_control user_profile_id "+
			"workspace_id billing_policy",
		"choices with no text of their own"),
}

// messagesRows are the members that only messages have.
var messagesRows = []row{
	Overridden.by(paramStream, "stream",
		"says which answer comes; null is left out"),
	Overridden.by(paramOutputCap, "max_tokens", "the output's cap"),
	Passed.of("stop_sequences", "only controls sampling"),
	Passed.of("container inference_geo diagnostics fallbacks fallback_credit_token",
		"choices with no text of their own"),
}

// countTokensRows are what clients send along with a question for a count, as they
// send it with messages; none of it is in the prompt.
var countTokensRows = []row{
	Passed.of("max_tokens stream temperature top_p top_k stop_sequences",
		"only control sampling"),
}
