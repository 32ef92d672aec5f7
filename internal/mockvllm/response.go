package mockvllm

import (
	"strconv"

	"github.com/go-json-experiment/json"
)

// response writes answers of /v1/responses. Its events are OpenAI's, each with
// all members in the order of their names; vLLM ends every stream with
// response.completed, a capped one with the status "incomplete" inside.
type response struct {
	job *job
	buf []byte // reused by every event
}

func newResponse(j *job) *response { return &response{job: j} }

// countResponseInput counts instructions, input and tools.
func (j *job) countResponseInput() (int64, error) {
	switch j.body.Input.Kind() {
	case '"':
		var input content
		err := json.Unmarshal(j.body.Input, &input)
		return j.countMessages([]message{{Content: input}}), err
	case '[':
		var items []message
		if err := json.Unmarshal(j.body.Input, &items); err != nil {
			return 0, invalid("input", err.Error())
		}
		return j.countMessages(items), nil
	}
	return 0, invalid("input", "Field required: input")
}

func (r *response) sequence() *sequence { return &r.job.sequences[0] }

func (r *response) text() []byte {
	return r.job.appendContent(nil, r.sequence(), 0, 0, r.sequence().tokens)
}

// event appends the common end of an event and sends it. Members up to
// sequence_number are in buf already.
func (r *response) event(out *eventStream, name string, buf []byte, tail string) error {
	buf = append(buf, `"sequence_number":`...)
	buf = strconv.AppendInt(buf, int64(out.count), 10)
	buf = append(buf, tail+`,"type":"`+name+`"}`...)
	r.buf = buf
	if name == "response.completed" {
		if err := out.last(name, buf); err != nil {
			return err
		}
		return out.goOn("response.output_text.delta", `{"type":"response.output_text.delta","delta":"beyond "}`)
	}
	return out.send(name, buf)
}

// place appends the members that say which part of the output is meant.
func (r *response) place(dst []byte) []byte {
	return appendString(append(dst, `"item_id":`...), r.itemID())
}

func (r *response) itemID() string {
	if r.job.behavior.ToolCall {
		return "fc_" + r.job.id
	}
	return "msg_" + r.job.id
}

func (r *response) open(out *eventStream) error {
	for _, name := range []string{"response.created", "response.in_progress"} {
		buf := r.appendResponse(append(r.buf[:0], `{"response":`...), "in_progress")
		if err := r.event(out, name, append(buf, ','), ""); err != nil {
			return err
		}
	}
	if r.job.behavior.ToolCall {
		return r.openCall(out)
	}
	buf := appendString(append(r.buf[:0], `{"item":{"id":`...), r.itemID())
	buf = append(buf, `,"content":[],"role":"assistant","status":"in_progress","type":"message"},"output_index":0,`...)
	if err := r.event(out, "response.output_item.added", buf, ""); err != nil {
		return err
	}
	buf = r.place(append(r.buf[:0], `{"content_index":0,`...))
	buf = append(buf, `,"output_index":0,"part":{"annotations":[],"text":"","type":"output_text","logprobs":[]},`...)
	return r.event(out, "response.content_part.added", buf, "")
}

func (r *response) token(out *eventStream, t token) error {
	if t.index < 0 {
		return nil
	}
	if r.job.behavior.ToolCall {
		return r.callToken(out, t)
	}
	buf := append(r.buf[:0], `{"content_index":0,"delta":"`...)
	buf = r.job.appendContent(buf, t.sequence, 0, t.index, t.index+1)
	buf = append(r.place(append(buf, `",`...)), `,"logprobs":[],"output_index":0,`...)
	return r.event(out, "response.output_text.delta", buf, "")
}

func (r *response) end(out *eventStream) error {
	parts := r.endText
	if r.job.behavior.ToolCall {
		parts = r.endCall
	}
	if err := parts(out); err != nil {
		return err
	}
	buf := r.appendItem(append(r.buf[:0], `{"item":`...))
	if err := r.event(out, "response.output_item.done", append(buf, `,"output_index":0,`...), ""); err != nil {
		return err
	}
	if r.job.fails(NoDone) {
		r.job.finish(Completed)
		return nil
	}
	r.job.tellFinal()
	buf = r.appendResponse(append(r.buf[:0], `{"response":`...), r.status())
	return r.event(out, "response.completed", append(buf, ','), "")
}

// endText ends the text and its part.
func (r *response) endText(out *eventStream) error {
	text := r.text()
	buf := r.place(append(r.buf[:0], `{"content_index":0,`...))
	buf = append(buf, `,"logprobs":[],"output_index":0,`...)
	if err := r.event(out, "response.output_text.done", buf, `,"text":"`+string(text)+`"`); err != nil {
		return err
	}
	buf = r.place(append(r.buf[:0], `{"content_index":0,`...))
	buf = append(buf, `,"output_index":0,"part":{"annotations":[],"text":"`+string(text)+`","type":"output_text","logprobs":null},`...)
	return r.event(out, "response.content_part.done", buf, "")
}

func (r *response) answer(dst []byte) []byte { return r.appendResponse(dst, r.status()) }

func (r *response) status() string {
	if r.sequence().finish == "length" {
		return "incomplete"
	}
	return "completed"
}

// appendItem appends the finished output item: a message, or a function's call.
func (r *response) appendItem(dst []byte) []byte {
	if r.job.behavior.ToolCall {
		return r.appendCall(dst, r.arguments(), "completed")
	}
	dst = appendString(append(dst, `{"id":`...), r.itemID())
	dst = append(dst, `,"content":[{"annotations":[],"text":"`...)
	dst = append(dst, r.text()...)
	return append(dst, `","type":"output_text","logprobs":null}],"role":"assistant","status":"completed","type":"message"}`...)
}

// appendResponse appends the response object; in progress it has neither output
// nor usage.
func (r *response) appendResponse(dst []byte, status string) []byte {
	j := r.job
	dst = appendString(append(dst, `{"id":`...), "resp_"+j.id)
	dst = appendCount(dst, `,"created_at":`, j.created)
	dst = append(dst, `,"incomplete_details":`...)
	if status == "incomplete" {
		dst = append(dst, `{"reason":"max_output_tokens"}`...)
	} else {
		dst = append(dst, "null"...)
	}
	dst = append(dst, `,"instructions":null,"metadata":null,"model":`+j.model.quoted+`,"object":"response","output":[`...)
	if status != "in_progress" {
		dst = r.appendItem(dst)
	}
	dst = append(dst, `],"parallel_tool_calls":true,"temperature":1.0,"tool_choice":"auto","tools":[],"top_p":1.0,`...)
	dst = appendCount(dst, `"background":false,"max_output_tokens":`, j.limit(j.input()))
	dst = append(dst, `,"max_tool_calls":null,"previous_response_id":null,"prompt":null,"reasoning":null,`...)
	dst = append(dst, `"service_tier":"auto","status":"`+status+`","text":null,"top_logprobs":null,"truncation":"disabled"`...)
	dst = r.appendUsage(dst, status)
	return append(dst, `,"user":null,"input_messages":null,"output_messages":null}`...)
}

func (r *response) appendUsage(dst []byte, status string) []byte {
	u, ok := r.job.told(r.job.total())
	switch {
	case r.job.behavior.Usage == NoUsage:
		return dst
	case status == "in_progress" || !ok:
		return append(dst, `,"usage":null`...)
	}
	dst = appendCount(dst, `,"usage":{"input_tokens":`, u.Input)
	dst = appendCount(dst, `,"input_tokens_details":{"cached_tokens":`, u.Cached)
	dst = append(dst, `,"input_tokens_per_turn":[],"cached_tokens_per_turn":[]}`...)
	dst = r.job.appendOutput(dst, `,"output_tokens":`, u.Output)
	dst = append(dst, `,"output_tokens_details":{"reasoning_tokens":0,"tool_output_tokens":0,`...)
	dst = append(dst, `"output_tokens_per_turn":[],"tool_output_tokens_per_turn":[]}`...)
	return append(appendCount(dst, `,"total_tokens":`, u.Input+u.Output), '}')
}
