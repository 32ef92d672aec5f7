package anthropic

import (
	"strconv"

	"github.com/token-rate-limiter/token-rate-limiter/internal/wire"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/metering"
)

// AppendEnd appends the end of the message: content_block_stop if a block is open,
// message_delta with the stop_reason "max_tokens" and the usage, message_stop.
func (m *Message) AppendEnd(dst []byte, t *metering.Telling, used wire.Usage) []byte {
	if m.isOpen {
		dst = append(dst, "event: content_block_stop\n"+
			`data: {"type":"content_block_stop","index":`...)
		dst = strconv.AppendInt(dst, m.block, 10)
		dst = append(dst, "}\n\n"...)
	}
	if !t.Meter.AllFinished() {
		dst = append(dst, "event: message_delta\n"+
			`data: {"type":"message_delta",`+
			`"delta":{"stop_reason":"max_tokens","stop_sequence":null},`+
			`"usage":{"input_tokens":`...)
		dst = strconv.AppendInt(dst, used.Input-used.Cached, 10)
		dst = append(dst, `,"output_tokens":`...)
		dst = strconv.AppendInt(dst, used.Output, 10)
		if used.Cached > 0 {
			dst = append(dst, `,"cache_read_input_tokens":`...)
			dst = strconv.AppendInt(dst, used.Cached, 10)
		}
		dst = append(dst, "}}\n\n"...)
	}
	return append(dst, "event: message_stop\n"+`data: {"type":"message_stop"}`+"\n\n"...)
}
