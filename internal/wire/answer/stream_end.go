package answer

import (
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/anthropic"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/event"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/openai"
)

// AppendFinish appends what ends a stream properly that the gateway stops for its length, in the
// shape of the endpoint and of the same answer.
//
// used is the usage to tell. Nothing is appended to a stream that has ended or failed, or of
// which no event has come: then the answer can still get a status of its own. After the call the
// stream counts as ended.
func (s *Stream) AppendFinish(dst []byte, used wire.Usage) []byte {
	if !s.begun || s.relayed.ended || s.failed {
		return dst
	}
	dst = s.closeEvent(dst)
	s.relayed.ended = true
	switch s.endpoint {
	case wire.Messages:
		return s.relayed.message.AppendEnd(dst, &s.told, used)
	case wire.Responses:
		return s.relayed.response.AppendEnd(dst, &s.told, used)
	}
	return s.chunks.AppendEnd(dst, &s.told, used, s.relayed.total)
}

// AppendError appends an event that tells the client that the stream broke. No [DONE] follows: an
// answer that broke is not complete. Nothing is appended where the stream has ended or has told
// an error itself.
func (s *Stream) AppendError(dst []byte, err wire.ErrorBody) []byte {
	if s.relayed.ended || s.failed {
		return dst
	}
	dst = s.closeEvent(dst)
	s.fail(event.Error{
		Status: err.Status, Type: err.Type, Code: err.Code, Message: err.Why.Message,
	})
	switch {
	case s.endpoint == wire.Responses:
		return s.relayed.response.AppendError(dst, err)
	case s.endpoint.Anthropic():
		dst = append(dst, "event: error\n"...)
	}
	dst = append(dst, "data: "...)
	dst = AppendError(dst, err, s.endpoint)
	return append(dst, "\n\n"...)
}

// closeEvent ends an event that was relayed without its blank line.
func (s *Stream) closeEvent(dst []byte) []byte {
	if s.relayed.open {
		s.relayed.open = false
		dst = append(dst, "\n\n"...)
	}
	return dst
}

// AppendError appends an error body in the shape that clients of the endpoint expect. The zero
// endpoint, of an unknown path, has OpenAI's:
//
//	{"error":{"message":…,"type":…,"param":…,"code":…}}
//
// in which param and code are null when empty. Anthropic's endpoints have
//
//	{"type":"error","error":{"type":…,"message":…,"code":…}}
//
// with Anthropic's type for the status. Behind these members come, where the failure has them,
// meter, limit, window (null for concurrent requests), scope, used, remaining, need (not for
// concurrent requests) and retry_after in seconds, and where several limits were in the way
// limits, a list of all. Texts that are not UTF-8 are mended.
func AppendError(dst []byte, b wire.ErrorBody, endpoint wire.Endpoint) []byte {
	if endpoint.Anthropic() {
		return anthropic.AppendError(dst, b)
	}
	return openai.AppendError(dst, b)
}
