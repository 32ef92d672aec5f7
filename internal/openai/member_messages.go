package openai

// anthropicRows are the members that Anthropic's endpoints share.
var anthropicRows = []row{
	{Priced, paramMessages, "messages", "the conversation"},
	{Priced, paramSystem, "system", "what becomes the first message"},
	{Priced, paramTools, "tools", "tools, as the template shows them"},
	{Priced, 0, "tool_choice thinking", "templates may show it"},
	{Priced, 0, "output_config output_format", "grammars, which some templates show to the model"},
	{Priced, 0, "mcp_servers context_management compaction", "text, which a server may put into the context"},
	{HeldBack, 0, "thread", "a conversation that is stored at the model server"},
	{Passed, 0, "anthropic_version anthropic_beta betas speed cache_control user_profile_id workspace_id billing_policy", "choices with no text of their own"},
}

// messagesRows are the members that only messages have.
var messagesRows = []row{
	{Overridden, paramStream, "stream", "says which answer comes; null is left out"},
	{Overridden, paramOutputCap, "max_tokens", "the output's cap"},
	{Passed, 0, "stop_sequences", "only controls sampling"},
	{Passed, 0, "container inference_geo diagnostics fallbacks fallback_credit_token", "choices with no text of their own"},
}

// countTokensRows are what clients send along with a question for a count, as they
// send it with messages; none of it is in the prompt.
var countTokensRows = []row{
	{Passed, 0, "max_tokens stream temperature top_p top_k stop_sequences", "only control sampling"},
}
