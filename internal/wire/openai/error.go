package openai

import "github.com/token-rate-limiter/token-rate-limiter/internal/wire"

// AppendError appends OpenAI's error object.
func AppendError(dst []byte, b wire.ErrorBody) []byte {
	dst = append(dst, `{"error":{"message":`...)
	dst = wire.AppendQuoted(dst, b.Why.Message)
	dst = append(dst, `,"type":`...)
	dst = wire.AppendQuoted(dst, b.Type)
	dst = append(dst, `,"param":`...)
	dst = wire.AppendQuotedOrNull(dst, b.Why.Param)
	return b.AppendRest(dst)
}
