package mockvllm

import "strconv"

// anthropic writes answers of /v1/messages: vLLM converts its own chat stream,
// and writes events without the members that were never set.
type anthropic struct {
	job   *job
	block int    // index of the open content block
	kind  string // type of the open content block, "" for none
	buf   []byte // reused by every event
}

func newAnthropic(j *job) *anthropic { return &anthropic{job: j} }

func (a *anthropic) opening(dst []byte) []byte {
	dst = appendString(append(dst, `{"id":`...), "chatcmpl-"+a.job.id)
	return append(dst, `,"type":"message","role":"assistant","content":[`...)
}

// appendUsage appends Anthropic's usage member. vLLM tells no cached tokens
// here; where the behaviour asks for some, they are told as Anthropic does:
// beside input_tokens and not within.
func (a *anthropic) appendUsage(dst []byte, output int64) []byte {
	u := a.job.total()
	u.Output = output
	u, ok := a.job.told(u)
	switch {
	case a.job.behavior.Usage == NoUsage:
		return dst
	case !ok:
		return append(dst, `,"usage":null`...)
	}
	dst = appendCount(dst, `,"usage":{"input_tokens":`, u.Input-u.Cached)
	dst = a.job.appendOutput(dst, `,"output_tokens":`, u.Output)
	if u.Cached > 0 {
		dst = appendCount(dst, `,"cache_read_input_tokens":`, u.Cached)
	}
	return append(dst, '}')
}

func (a *anthropic) open(out *eventStream) error {
	buf := append(a.buf[:0], `{"type":"message_start","message":`...)
	buf = append(a.opening(buf), `],"model":`+a.job.model.quoted+`,"stop_reason":null,"stop_sequence":null`...)
	buf = append(a.appendUsage(buf, 0), "}}"...)
	a.buf = buf
	a.job.tell(token{sequence: &a.job.sequences[0], index: -1})
	if err := out.send("message_start", buf); err != nil {
		return err
	}
	if a.job.behavior.Ping {
		return out.send("ping", []byte(`{"type":"ping"}`))
	}
	return nil
}

func (a *anthropic) token(out *eventStream, t token) error {
	if t.index < 0 {
		return nil
	}
	kind, delta, member := "text", "text_delta", "text"
	switch {
	case a.job.behavior.ToolCall:
		kind, delta, member = "tool_use", "input_json_delta", "partial_json"
	case t.index < a.job.behavior.ReasoningTokens:
		kind, delta, member = "thinking", "thinking_delta", "thinking"
	}
	if a.kind != kind {
		if err := a.turn(out, kind); err != nil {
			return err
		}
	}
	buf := append(a.buf[:0], `{"type":"content_block_delta","delta":{"type":"`+delta+`","`+member+`":"`...)
	if kind == "tool_use" && t.index == 0 {
		buf = append(buf, `{\"text\":\"`...)
	}
	buf = appendPiece(buf, a.job.behavior, t.sequence.choice, t.index)
	if kind == "tool_use" && t.last {
		buf = append(buf, `\"}`...)
	}
	buf = append(appendCount(append(buf, `"},"index":`...), "", int64(a.block)), '}')
	a.buf = buf
	return out.send("content_block_delta", buf)
}

// turn closes the open block and opens one of another kind, "" for none.
func (a *anthropic) turn(out *eventStream, kind string) error {
	if a.kind != "" {
		stop := `{"type":"content_block_stop","index":` + strconv.Itoa(a.block) + `}`
		if err := out.send("content_block_stop", []byte(stop)); err != nil {
			return err
		}
		a.block++
	}
	a.kind = kind
	if kind == "" {
		return nil
	}
	buf := append(a.buf[:0], `{"type":"content_block_start","content_block":`...)
	buf = a.appendBlock(buf, kind, nil)
	buf = append(appendCount(append(buf, `,"index":`...), "", int64(a.block)), '}')
	a.buf = buf
	return out.send("content_block_start", buf)
}

// appendBlock appends a content block; text goes into it without escapes.
func (a *anthropic) appendBlock(dst []byte, kind string, text []byte) []byte {
	switch kind {
	case "tool_use":
		dst = appendString(append(dst, `{"type":"tool_use","id":`...), "chatcmpl-tool-"+a.job.id)
		dst = appendString(append(dst, `,"name":`...), a.job.body.toolName())
		if text == nil {
			return append(dst, `,"input":{}}`...)
		}
		dst = append(append(dst, `,"input":{"text":"`...), text...)
		return append(dst, `"}}`...)
	case "thinking":
		dst = append(append(dst, `{"type":"thinking","thinking":"`...), text...)
		return append(dst, `"}`...)
	}
	dst = append(append(dst, `{"type":"text","text":"`...), text...)
	return append(dst, `"}`...)
}

func (a *anthropic) stopReason() string {
	switch {
	case a.job.sequences[0].finish == "length":
		return "max_tokens"
	case a.job.behavior.ToolCall:
		return "tool_use"
	}
	return "end_turn"
}

func (a *anthropic) end(out *eventStream) error {
	if err := a.turn(out, ""); err != nil {
		return err
	}
	buf := append(a.buf[:0], `{"type":"message_delta","delta":{"stop_reason":"`+a.stopReason()+`"}`...)
	buf = append(a.appendUsage(buf, a.job.generated()), '}')
	a.job.tellFinal()
	if err := out.send("message_delta", buf); err != nil {
		return err
	}
	if a.job.fails(NoDone) {
		a.job.finish(Completed)
		return nil
	}
	if err := out.last("message_stop", []byte(`{"type":"message_stop"}`)); err != nil {
		return err
	}
	return out.goOn("content_block_delta", `{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"beyond "}}`)
}

func (a *anthropic) answer(dst []byte) []byte {
	s := &a.job.sequences[0]
	dst = a.opening(dst)
	reasoned := min(a.job.behavior.ReasoningTokens, s.tokens)
	switch {
	case a.job.behavior.ToolCall:
		dst = a.appendBlock(dst, "tool_use", a.job.appendText([]byte{}, s, 0, s.tokens))
	case reasoned > 0:
		dst = a.appendBlock(dst, "thinking", a.job.appendText(nil, s, 0, reasoned))
		dst = append(dst, ',')
		fallthrough
	default:
		dst = a.appendBlock(dst, "text", a.job.appendText(nil, s, reasoned, s.tokens))
	}
	dst = append(dst, `],"model":`+a.job.model.quoted+`,"stop_reason":"`+a.stopReason()+`"`...)
	return append(a.appendUsage(dst, s.tokens), '}')
}
