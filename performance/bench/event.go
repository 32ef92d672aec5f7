package main

import (
	"bytes"
	"strconv"
	"time"
)

// streamRequest is what the upstream reads of a request that may stream.
type streamRequest struct {
	Stream        bool  `json:"stream"`
	MaxTokens     int64 `json:"max_tokens"`
	StreamOptions struct {
		IncludeUsage         bool `json:"include_usage"`
		ContinuousUsageStats bool `json:"continuous_usage_stats"`
	} `json:"stream_options"`
}

// continuous reports whether every event is to carry usage. vLLM heeds
// continuous_usage_stats only together with include_usage
// (vllm/entrypoints/openai/chat_completion/serving.py).
func (s streamRequest) continuous() bool {
	return s.StreamOptions.IncludeUsage && s.StreamOptions.ContinuousUsageStats
}

var streamHead = []byte("HTTP/1.1 200 OK\r\nServer: uvicorn\r\nContent-Type: text/event-stream; charset=utf-8\r\nTransfer-Encoding: chunked\r\n\r\n")

const (
	eventStart   = `data: {"id":"chatcmpl-bench","object":"chat.completion.chunk","created":1767225600,"model":"` + modelName + `","choices":[`
	contentStart = `{"index":0,"delta":{"content":" `
	contentEnd   = `"},"logprobs":null,"finish_reason":null,"token_ids":null}]`
	firstChoice  = `{"index":0,"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}]`
	lastChoice   = `{"index":0,"delta":{"content":""},"logprobs":null,"finish_reason":"length","stop_reason":null,"token_ids":null}]`
	unknownSize  = "0000\r\n"
)

// epoch is when the process started. The content of an event is the time
// since then at which it was written, in nanoseconds, so that the reader in
// the same process knows how long the event took.
var epoch = time.Now()

// appendFirst appends the event that opens a stream, with the role and no
// content, as a chunk.
func appendFirst(dst []byte, s streamRequest) []byte {
	return appendChunk(dst, func(dst []byte) []byte {
		dst = append(append(dst, eventStart...), firstChoice...)
		return appendUsage(dst, s, 0)
	})
}

// appendContent appends the event of the n-th output token as a chunk.
func appendContent(dst []byte, s streamRequest, n int64) []byte {
	return appendChunk(dst, func(dst []byte) []byte {
		dst = append(append(dst, eventStart...), contentStart...)
		dst = strconv.AppendInt(dst, int64(time.Since(epoch)), 10)
		return appendUsage(append(dst, contentEnd...), s, n)
	})
}

// appendLast appends the events that end a stream, a chunk each, and the end
// of the body.
func appendLast(dst []byte, s streamRequest) []byte {
	dst = appendChunk(dst, func(dst []byte) []byte {
		dst = append(append(dst, eventStart...), lastChoice...)
		return appendUsage(dst, s, s.MaxTokens)
	})
	if s.StreamOptions.IncludeUsage {
		dst = appendChunk(dst, func(dst []byte) []byte {
			return appendTotals(append(append(dst, eventStart...), ']'), s.MaxTokens)
		})
	}
	dst = appendChunk(dst, func(dst []byte) []byte { return append(dst, "data: [DONE]\n\n"...) })
	return append(dst, "0\r\n\r\n"...)
}

// appendUsage ends an event, with the usage so far if it was asked for.
func appendUsage(dst []byte, s streamRequest, output int64) []byte {
	if s.continuous() {
		return appendTotals(dst, output)
	}
	return append(dst, "}\n\n"...)
}

// appendTotals ends an event with usage as its last member, as vLLM does.
func appendTotals(dst []byte, output int64) []byte {
	dst = append(dst, `,"usage":{"prompt_tokens":`...)
	dst = strconv.AppendInt(dst, inputTokens, 10)
	dst = append(dst, `,"total_tokens":`...)
	dst = strconv.AppendInt(dst, inputTokens+output, 10)
	dst = append(dst, `,"completion_tokens":`...)
	dst = strconv.AppendInt(dst, output, 10)
	return append(dst, "}}\n\n"...)
}

// appendChunk appends what fill appends as one chunk of a chunked body. The
// size has four hexadecimal digits, so that it can be written afterwards.
func appendChunk(dst []byte, fill func([]byte) []byte) []byte {
	const digits = "0123456789abcdef"
	start := len(dst)
	dst = fill(append(dst, unknownSize...))
	size := len(dst) - start - len(unknownSize)
	for i := range 4 {
		dst[start+i] = digits[size>>(12-4*i)&0xf]
	}
	return append(dst, "\r\n"...)
}

// eventCounter counts the events of a stream that arrives in pieces.
type eventCounter struct {
	count    int64
	lineOver bool // the last byte was a line feed
}

// add counts the events that end in p: those whose empty line does.
func (c *eventCounter) add(p []byte) {
	if len(p) == 0 {
		return
	}
	if c.lineOver && p[0] == '\n' {
		c.count++
		p = p[1:]
	}
	c.count += int64(bytes.Count(p, []byte("\n\n")))
	c.lineOver = len(p) > 0 && p[len(p)-1] == '\n' && !bytes.HasSuffix(p, []byte("\n\n"))
}

// written returns the time since epoch at which the last event with content
// that is whole in p was written, and false if p has none.
func written(p []byte) (time.Duration, bool) {
	i := bytes.LastIndex(p, []byte(contentStart))
	if i < 0 {
		return 0, false
	}
	p = p[i+len(contentStart):]
	end := bytes.IndexByte(p, '"')
	if end < 0 {
		return 0, false
	}
	at, err := strconv.ParseInt(string(p[:end]), 10, 64)
	return time.Duration(at), err == nil
}
