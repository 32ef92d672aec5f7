package openai

import "github.com/token-rate-limiter/token-rate-limiter/internal/wire"

// AppendError appends OpenAI's error object.
func AppendError(dst []byte, b wire.ErrorBody) []byte {
	dst = wire.AppendQuoted(append(dst, `{"error":{"message":`...), b.Why.Message)
	dst = wire.AppendQuoted(append(dst, `,"type":`...), b.Type)
	dst = wire.AppendQuotedOrNull(append(dst, `,"param":`...), b.Why.Param)
	return b.AppendRest(dst)
}
