package anthropic

import "github.com/token-rate-limiter/token-rate-limiter/internal/wire/member"

// Every are the members that Anthropic's endpoints share.
var Every = []member.Row{
	member.Priced.By(member.ReadMessages, "messages", "the conversation"),
	member.Priced.By(member.ReadSystem, "system", "what becomes the first message"),
	member.Priced.By(member.ReadTools, "tools", "tools, as the template shows them"),
	member.Priced.Of("tool_choice thinking", "templates may show it"),
	member.Priced.Of("output_config output_format",
		"grammars, which some templates show to the model"),
	member.Priced.Of("mcp_servers context_management compaction",
		"text, which a server may put into the context"),
	member.HeldBack.Of("thread", "a conversation that is stored at the model server"),
	member.Passed.Of("anthropic_version anthropic_beta betas speed cache_control user_profile_id "+
		"workspace_id billing_policy", "choices with no text of their own"),
}

// Messages are the members that only messages have.
var Messages = []member.Row{
	member.Overridden.By(member.ReadStream, "stream", "says which answer comes; null is left out"),
	member.Overridden.By(member.ReadOutputCap, "max_tokens", "the output's cap"),
	member.Passed.Of("stop_sequences", "only controls sampling"),
	member.Passed.Of("container inference_geo diagnostics fallbacks fallback_credit_token",
		"choices with no text of their own"),
}

// CountTokens are what clients send along with a question for a count, as they send it with
// messages; none of it is in the prompt.
var CountTokens = []member.Row{
	member.Passed.Of("max_tokens stream temperature top_p top_k stop_sequences",
		"only control sampling"),
}
