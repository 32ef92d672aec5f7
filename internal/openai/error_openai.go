package openai

// appendOpenAIError appends OpenAI's error object.
func appendOpenAIError(dst []byte, b ErrorBody) []byte {
	dst = append(dst, `{"error":{"message":`...)
	dst = appendQuoted(dst, b.Why.Message)
	dst = append(dst, `,"type":`...)
	dst = appendQuoted(dst, b.Type)
	dst = append(dst, `,"param":`...)
	dst = appendQuotedOrNull(dst, b.Why.Param)
	return b.appendRest(dst)
}
