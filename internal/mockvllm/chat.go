package mockvllm

import "strconv"

// chat writes answers of /v1/chat/completions. Which members are there and
// which are null follows vLLM's ChatCompletionStreamResponse, written without
// the members that were never set, and ChatCompletionResponse, written whole.
type chat struct {
	job               *job
	final, continuous bool

	head []byte // a chunk up to the choice's index
	buf  []byte // reused by every chunk
}

func newChat(j *job) *chat {
	c := &chat{job: j}
	c.final, c.continuous = j.tells()
	if j.body.Stream {
		c.head = append(c.opening("chat.completion.chunk"), `,"choices":[{"index":`...)
	}
	return c
}

// opening returns an object up to the model's name.
func (c *chat) opening(object string) []byte {
	head := appendString(append(make([]byte, 0, 256), `{"id":`...), "chatcmpl-"+c.job.id)
	head = append(head, `,"object":"`+object+`","created":`...)
	head = strconv.AppendInt(head, c.job.created, 10)
	return append(append(head, `,"model":`...), c.job.model.quoted...)
}

// open sends the role of each choice.
func (c *chat) open(out *eventStream) error {
	for i := range c.job.sequences {
		s := &c.job.sequences[i]
		if s.choice < 0 {
			continue
		}
		buf := strconv.AppendInt(append(c.buf[:0], c.head...), int64(s.choice), 10)
		buf = append(buf, `,"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}]`...)
		buf = c.appendRunning(buf, token{sequence: s, index: -1})
		buf = append(buf, `,"prompt_token_ids":null}`...)
		c.buf = buf
		if err := out.send("", buf); err != nil {
			return err
		}
	}
	return nil
}

func (c *chat) token(out *eventStream, t token) error {
	buf := strconv.AppendInt(append(c.buf[:0], c.head...), int64(t.sequence.choice), 10)
	buf = append(buf, `,"delta":{`...)
	buf = c.appendDelta(buf, t)
	buf = append(buf, `},"logprobs":`...)
	buf = c.appendLogprobs(buf, t.sequence, t.first, t.index+1)
	if t.last {
		buf = append(buf, `,"finish_reason":"`+c.finish(t.sequence)+`","stop_reason":null,"token_ids":null}]`...)
	} else {
		buf = append(buf, `,"finish_reason":null,"token_ids":null}]`...)
	}
	buf = append(c.appendRunning(buf, t), '}')
	c.buf = buf
	return out.send("", buf)
}

func (c *chat) appendDelta(dst []byte, t token) []byte {
	switch {
	case t.index < 0:
		return append(dst, `"content":""`...)
	case c.job.behavior.ToolCall:
		return c.appendToolDelta(dst, t)
	case t.index < c.job.behavior.ReasoningTokens:
		dst = append(dst, `"reasoning":"`...)
		dst = c.job.appendText(dst, t.sequence, t.first, t.index+1)
	default:
		dst = append(dst, `"content":"`...)
		dst = c.job.appendContent(dst, t.sequence, c.job.behavior.ReasoningTokens, t.first, t.index+1)
	}
	return append(dst, '"')
}

// appendToolDelta appends a piece of a tool call; the pieces of its arguments
// make the JSON object {"text":"…"} together.
func (c *chat) appendToolDelta(dst []byte, t token) []byte {
	dst = append(dst, `"tool_calls":[{`...)
	arguments := ""
	if t.first == 0 {
		dst = c.appendToolID(dst, t.sequence)
		dst = append(dst, `,"type":"function","index":0,"function":{"name":`...)
		dst = append(appendString(dst, c.job.body.toolName()), ',')
		arguments = `{\"text\":\"`
	} else {
		dst = append(dst, `"index":0,"function":{`...)
	}
	dst = append(dst, `"arguments":"`+arguments...)
	dst = c.job.appendText(dst, t.sequence, t.first, t.index+1)
	if t.last {
		dst = append(dst, `\"}`...)
	}
	return append(dst, `"}}]`...)
}

func (c *chat) appendToolID(dst []byte, s *sequence) []byte {
	return appendString(append(dst, `"id":`...), "chatcmpl-tool-"+c.job.id+"-"+strconv.Itoa(s.choice))
}

func (c *chat) finish(s *sequence) string {
	if c.job.behavior.ToolCall && s.finish == "stop" {
		return "tool_calls"
	}
	return s.finish
}

// appendRunning appends the usage of a token's choice so far, if it is told.
func (c *chat) appendRunning(dst []byte, t token) []byte {
	if !c.continuous {
		return dst
	}
	return c.job.appendUsage(dst, c.job.tell(t), briefUsage)
}

// end sends the usage and [DONE].
func (c *chat) end(out *eventStream) error {
	if c.final {
		buf := append(c.opening("chat.completion.chunk"), `,"choices":[]`...)
		buf = append(c.job.appendUsage(buf, c.job.total(), briefUsage), '}')
		c.job.tellFinal()
		if err := out.send("", buf); err != nil {
			return err
		}
	}
	return out.done()
}

func (c *chat) answer(dst []byte) []byte {
	dst = append(append(dst, c.opening("chat.completion")...), `,"choices":[`...)
	c.job.choices(func(s *sequence) {
		if s.choice > 0 {
			dst = append(dst, ',')
		}
		dst = c.appendChoice(dst, s)
	})
	dst = append(dst, `],"service_tier":null,"system_fingerprint":null`...)
	dst = c.job.appendUsage(dst, c.job.total(), fullUsage)
	return append(dst, `,"prompt_logprobs":null,"prompt_token_ids":null,"kv_transfer_params":null}`...)
}

func (c *chat) appendChoice(dst []byte, s *sequence) []byte {
	dst = appendCount(dst, `{"index":`, int64(s.choice))
	dst = append(dst, `,"message":{"role":"assistant","content":`...)
	reasoned := min(c.job.behavior.ReasoningTokens, s.tokens)
	if c.job.behavior.ToolCall {
		reasoned = 0
		dst = append(dst, "null"...)
	} else {
		dst = append(c.job.appendContent(append(dst, '"'), s, reasoned, reasoned, s.tokens), '"')
	}
	dst = append(dst, `,"refusal":null,"annotations":null,"audio":null,"function_call":null,"tool_calls":[`...)
	if c.job.behavior.ToolCall {
		dst = c.appendToolID(append(dst, '{'), s)
		dst = append(dst, `,"type":"function","function":{"name":`...)
		dst = appendString(dst, c.job.body.toolName())
		dst = append(dst, `,"arguments":"{\"text\":\"`...)
		dst = append(c.job.appendText(dst, s, 0, s.tokens), `\"}"}}`...)
	}
	dst = append(dst, `],"reasoning":`...)
	if reasoned > 0 {
		dst = append(c.job.appendText(append(dst, '"'), s, 0, reasoned), '"')
	} else {
		dst = append(dst, "null"...)
	}
	dst = append(dst, `},"logprobs":`...)
	dst = c.appendLogprobs(dst, s, 0, s.tokens)
	return append(dst, `,"finish_reason":"`+c.finish(s)+`","stop_reason":null,"token_ids":null}`...)
}

// appendLogprobs appends the log probabilities of tokens first to end, all the
// same, if the request wants them.
func (c *chat) appendLogprobs(dst []byte, s *sequence, first, end int64) []byte {
	if !c.job.body.wantsLogprobs() || first < 0 {
		return append(dst, "null"...)
	}
	dst = append(dst, `{"content":[`...)
	for i := first; i < end; i++ {
		if i > first {
			dst = append(dst, ',')
		}
		dst = c.appendLogprob(dst, s.choice, i, 0)
		dst = append(dst, `,"top_logprobs":[`...)
		for rank := range min(c.job.body.TopLogprobs, topLogprobsMax) {
			if rank > 0 {
				dst = append(dst, ',')
			}
			dst = append(c.appendLogprob(dst, s.choice, i, rank), '}')
		}
		dst = append(dst, "]}"...)
	}
	return append(dst, "]}"...)
}

// topLogprobsMax is the most alternatives that vLLM tells by default.
const topLogprobsMax = 20

// appendLogprob appends an open object: the log probability of token i, or that
// of the rank-th alternative to it, which no other rank has.
func (c *chat) appendLogprob(dst []byte, choice int, i, rank int64) []byte {
	dst = append(dst, `{"token":"`...)
	start := len(dst)
	dst = appendPiece(dst, c.job.behavior, choice+int(rank)*sequencesMax, i)
	piece := string(dst[start:])
	dst = append(dst, `","logprob":`...)
	dst = strconv.AppendFloat(dst, -0.5-float64(rank), 'f', 1, 64)
	dst = append(dst, `,"bytes":[`...)
	for k := range len(piece) {
		if k > 0 {
			dst = append(dst, ',')
		}
		dst = strconv.AppendInt(dst, int64(piece[k]), 10)
	}
	return append(dst, ']')
}
