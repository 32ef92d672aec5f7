package mockvllm

import "strconv"

// completion writes answers of /v1/completions, after vLLM's
// CompletionStreamResponse and CompletionResponse.
type completion struct {
	job               *job
	final, continuous bool

	offsets []int  // bytes of text sent, by choice
	head    []byte // a chunk up to the choice's index
	buf     []byte // reused by every chunk
}

func newCompletion(j *job) *completion {
	c := &completion{job: j}
	c.final, c.continuous = j.tells()
	if j.body.Stream {
		c.head = append(c.opening(), `,"choices":[{"index":`...)
		c.offsets = make([]int, j.returned*len(j.inputs))
	}
	return c
}

func (c *completion) opening() []byte {
	head := appendString(append(make([]byte, 0, 256), `{"id":`...), "cmpl-"+c.job.id)
	head = append(head, `,"object":"text_completion","created":`...)
	head = strconv.AppendInt(head, c.job.created, 10)
	return append(append(head, `,"model":`...), c.job.model.quoted...)
}

func (c *completion) open(*eventStream) error { return nil }

func (c *completion) token(out *eventStream, t token) error {
	s := t.sequence
	buf := strconv.AppendInt(append(c.buf[:0], c.head...), int64(s.choice), 10)
	buf = append(buf, `,"text":"`...)
	start := len(buf)
	if t.index >= 0 {
		buf = c.job.appendText(buf, s, t.first, t.index+1)
	}
	bytes := len(buf) - start
	buf = append(buf, `","logprobs":`...)
	buf = c.appendLogprobs(buf, s, t.first, t.index+1, c.offsets[s.choice])
	c.offsets[s.choice] += bytes
	buf = append(buf, `,"finish_reason":`...)
	if t.last {
		buf = append(buf, `"`+s.finish+`"`...)
	} else {
		buf = append(buf, "null"...)
	}
	buf = append(buf, `,"stop_reason":null,"prompt_token_ids":null,"token_ids":null}]`...)
	buf = append(c.appendRunning(buf, t), '}')
	c.buf = buf
	return out.send("", buf)
}

func (c *completion) appendRunning(dst []byte, t token) []byte {
	switch {
	case c.continuous && c.job.behavior.NullUsage:
		return c.job.appendUsage(dst, c.job.tell(t), fullUsage)
	case c.continuous:
		return c.job.appendUsage(dst, c.job.tell(t), briefUsage)
	case c.job.behavior.NullUsage:
		return append(dst, `,"usage":null`...)
	}
	return dst
}

// end sends the usage and [DONE].
func (c *completion) end(out *eventStream) error {
	if c.final {
		buf := append(c.opening(), `,"choices":[]`...)
		buf = append(c.job.appendUsage(buf, c.job.total(), briefUsage), '}')
		c.job.tellFinal()
		if err := out.send("", buf); err != nil {
			return err
		}
	}
	return out.done()
}

func (c *completion) answer(dst []byte) []byte {
	dst = append(append(dst, c.opening()...), `,"choices":[`...)
	c.job.choices(func(s *sequence) {
		if s.choice > 0 {
			dst = append(dst, ',')
		}
		dst = appendCount(dst, `{"index":`, int64(s.choice))
		dst = append(c.job.appendText(append(dst, `,"text":"`...), s, 0, s.tokens), `","logprobs":`...)
		dst = c.appendLogprobs(dst, s, 0, s.tokens, 0)
		dst = append(dst, `,"finish_reason":"`+s.finish+
			`","stop_reason":null,"token_ids":null,"prompt_logprobs":null,"prompt_token_ids":null}`...)
	})
	dst = append(dst, `],"service_tier":null,"system_fingerprint":null`...)
	dst = c.job.appendUsage(dst, c.job.total(), fullUsage)
	return append(dst, `,"kv_transfer_params":null}`...)
}

// appendLogprobs appends the log probabilities of tokens first to end, all the
// same, if the request wants them; offset is where the first one's text starts.
func (c *completion) appendLogprobs(dst []byte, s *sequence, first, end int64, offset int) []byte {
	if !c.job.body.wantsLogprobs() || first < 0 {
		return append(dst, "null"...)
	}
	var offsets, logprobs, tokens, tops []byte
	for i := first; i < end; i++ {
		if i > first {
			offsets, logprobs = append(offsets, ','), append(logprobs, ',')
			tokens, tops = append(tokens, ','), append(tops, ',')
		}
		piece := string(appendPiece(nil, c.job.behavior, s.choice, i))
		offsets = strconv.AppendInt(offsets, int64(offset), 10)
		logprobs = append(logprobs, "-0.5"...)
		tokens = append(tokens, `"`+piece+`"`...)
		tops = append(tops, `{"`+piece+`":-0.5}`...)
		offset += len(piece)
	}
	dst = append(append(dst, `{"text_offset":[`...), offsets...)
	dst = append(append(dst, `],"token_logprobs":[`...), logprobs...)
	dst = append(append(dst, `],"tokens":[`...), tokens...)
	dst = append(append(dst, `],"top_logprobs":[`...), tops...)
	return append(dst, "]}"...)
}
