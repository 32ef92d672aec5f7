package openai

// AppendError appends an error body in the shape that clients of the endpoint expect. The zero
// endpoint, of an unknown path, has OpenAI's:
//
//	{"error":{"message":…,"type":…,"param":…,"code":…}}
//
// in which param and code are null when empty. Anthropic's endpoints have
//
//	{"type":"error","error":{"type":…,"message":…,"code":…}}
//
// with Anthropic's type for the status. Behind these members come, where the failure has
// them, meter, limit, window (null for concurrent requests), scope, used, remaining, need (not
// for concurrent requests) and retry_after in seconds, and where several limits were in the
// way limits, a list of all. Texts that are not UTF-8 are mended.
func AppendError(dst []byte, b ErrorBody, endpoint Endpoint) []byte {
	if endpoint.Anthropic() {
		return appendAnthropicError(dst, b)
	}
	return appendOpenAIError(dst, b)
}
