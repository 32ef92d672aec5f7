package member

// anthropic are the members that Anthropic's endpoints share.
var anthropic = []Row{
	Priced.By(ReadMessages, "messages", "the conversation"),
	Priced.By(ReadSystem, "system", "what becomes the first message"),
	Priced.By(ReadTools, "tools", "tools, as the template shows them"),
	Priced.Of("tool_choice thinking", "templates may show it"),
	Priced.Of("output_config output_format", "grammars, which some templates show to the model"),
	Priced.Of("mcp_servers context_management compaction",
		"text, which a server may put into the context"),
	HeldBack.Of("thread", "a conversation that is stored at the model server"),
	Passed.Of("anthropic_version anthropic_beta betas speed cache_control user_profile_id "+
		"workspace_id billing_policy", "choices with no text of their own"),
}

// messages are the members that only messages have.
var messages = []Row{
	Overridden.By(ReadStream, "stream", "says which answer comes; null is left out"),
	Overridden.By(ReadOutputCap, "max_tokens", "the output's cap"),
	Passed.Of("stop_sequences", "only controls sampling"),
	Passed.Of("container inference_geo diagnostics fallbacks fallback_credit_token",
		"choices with no text of their own"),
}

// countTokens are what clients send along with a question for a count, as they send it with
// messages; none of it is in the prompt.
var countTokens = []Row{
	Passed.Of("max_tokens stream temperature top_p top_k stop_sequences", "only control sampling"),
}
