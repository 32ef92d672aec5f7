package answer

import (
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/anthropic"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/openai"
)

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
func AppendError(dst []byte, b wire.ErrorBody, endpoint wire.Endpoint) []byte {
	if endpoint.Anthropic() {
		return anthropic.AppendError(dst, b)
	}
	return openai.AppendError(dst, b)
}
