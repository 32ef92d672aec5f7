package mockvllm

import (
	"fmt"
	"strconv"

	"github.com/token-rate-limiter/token-rate-limiter/internal/wire"
)

// response writes answers of /v1/responses. Its events are OpenAI's, each with
// all members in the order of their names; vLLM ends every stream with
// response.completed, a capped one with the status "incomplete" inside.
//
// The output of a response that calls a function is an item of its own, whose
// arguments come in pieces.
type response struct{ job *job }

// send sends an event with members before sequence_number, which come first, and after it.
func (r *response) send(out *eventStream, name, before, after string) {
	out.send(name, numbered(out, name, before, after))
}

func numbered(out *eventStream, name, before, after string) string {
	number := strconv.Itoa(out.count)
	return "{" + before + `,"sequence_number":` + number + after + `,"type":"` + name + `"}`
}

func (r *response) sequence() *sequence { return &r.job.sequences[0] }

func (r *response) text() string {
	return r.job.content(r.sequence(), 0, 0, r.sequence().tokens)
}

func (r *response) itemID() string {
	if r.job.behavior.ToolCall {
		return quote("fc_" + r.job.id)
	}
	return quote("msg_" + r.job.id)
}

func (r *response) open(out *eventStream) {
	begun := `"response":` + r.whole("in_progress")
	r.send(out, "response.created", begun, "")
	r.send(out, "response.in_progress", begun, "")
	item := r.message("", "in_progress")
	if r.job.behavior.ToolCall {
		item = r.call("", "in_progress")
	}
	r.send(out, "response.output_item.added", `"item":`+item+`,"output_index":0`, "")
	if !r.job.behavior.ToolCall {
		r.send(out, "response.content_part.added", `"content_index":0,"item_id":`+r.itemID()+
			`,"output_index":0,"part":`+outputText("", "[]"), "")
	}
}

func (r *response) token(out *eventStream, t token) {
	switch {
	case t.index < 0:
	case r.job.behavior.ToolCall:
		r.send(out, "response.function_call_arguments.delta",
			`"delta":"`+r.job.arguments(t.sequence, t.index, t.index+1)+
				`","item_id":`+r.itemID()+`,"output_index":0`, "")
	default:
		r.send(out, "response.output_text.delta",
			`"content_index":0,"delta":"`+r.job.content(t.sequence, 0, t.index, t.index+1)+
				`","item_id":`+r.itemID()+`,"logprobs":[],"output_index":0`, "")
	}
}

func (r *response) end(out *eventStream) {
	if r.job.behavior.ToolCall {
		r.send(out, "response.function_call_arguments.done", fmt.Sprintf(
			`"arguments":"%s","item_id":%s,"name":%s,"output_index":0`,
			r.arguments(), r.itemID(), quote(r.job.body.toolName())), "")
	} else {
		place := `"content_index":0,"item_id":` + r.itemID()
		r.send(out, "response.output_text.done", place+`,"logprobs":[],"output_index":0`,
			`,"text":"`+r.text()+`"`)
		r.send(out, "response.content_part.done",
			place+`,"output_index":0,"part":`+outputText(r.text(), "null"), "")
	}
	r.send(out, "response.output_item.done", `"item":`+r.item()+`,"output_index":0`, "")
	if out.err == nil && !r.job.fails(NoDone) {
		r.job.tellFinal()
	}
	const name, delta = "response.completed", "response.output_text.delta"
	out.end(event{name, numbered(out, name, `"response":`+r.whole(r.status()), "")},
		event{delta, `{"type":"` + delta + `","delta":"beyond "}`})
}

func (r *response) answer() []byte { return []byte(r.whole(r.status())) }

func (r *response) status() string {
	if r.sequence().finish == "length" {
		return "incomplete"
	}
	return "completed"
}

// item returns the finished output item: a message, or a function's call.
func (r *response) item() string {
	if r.job.behavior.ToolCall {
		return r.call(r.arguments(), "completed")
	}
	return r.message(outputText(r.text(), "null"), "completed")
}

func (r *response) message(content, status string) string {
	return fmt.Sprintf(`{"id":%s,"content":[%s],"role":"assistant","status":"%s","type":"message"}`,
		r.itemID(), content, status)
}

// outputText returns a part of a message's content; text goes into it without escapes.
func outputText(text, logprobs string) string {
	return fmt.Sprintf(`{"annotations":[],"text":"%s","type":"output_text","logprobs":%s}`,
		text, logprobs)
}

func (r *response) arguments() string {
	return r.job.arguments(r.sequence(), 0, r.sequence().tokens)
}

// call returns the item of a function's call; arguments go into it without escapes.
func (r *response) call(arguments, status string) string {
	return fmt.Sprintf(`{"arguments":"%s","call_id":%s,"name":%s,"type":"function_call","id":%s,`+
		`"status":"%s"}`,
		arguments, quote("call_"+r.job.id), quote(r.job.body.toolName()), r.itemID(), status)
}

// whole returns the response object; in progress it has neither output nor usage.
func (r *response) whole(status string) string {
	j := r.job
	details, output, usage := "null", "", ""
	if status == "incomplete" {
		details = `{"reason":"max_output_tokens"}`
	}
	if status != "in_progress" {
		output, usage = r.item(), j.usageMember(j.total(), r.usage)
	} else if j.behavior.Usage != NoUsage {
		usage = `,"usage":null`
	}
	return fmt.Sprintf(`{"id":%s,"created_at":%d,"incomplete_details":%s,"instructions":null,`+
		`"metadata":null,"model":%s,"object":"response","output":[%s],"parallel_tool_calls":true,`+
		`"temperature":1.0,"tool_choice":"auto","tools":[],"top_p":1.0,"background":false,`+
		`"max_output_tokens":%d,"max_tool_calls":null,"previous_response_id":null,"prompt":null,`+
		`"reasoning":null,"service_tier":"auto","status":"%s","text":null,"top_logprobs":null,`+
		`"truncation":"disabled"%s,"user":null,"input_messages":null,"output_messages":null}`,
		quote("resp_"+j.id), j.created, details, j.model.quoted, output, j.limit(j.input),
		status, usage)
}

func (r *response) usage(u wire.Usage) string {
	return fmt.Sprintf(`,"usage":{"input_tokens":%d,"input_tokens_details":{"cached_tokens":%d,`+
		`"input_tokens_per_turn":[],"cached_tokens_per_turn":[]}%s,`+
		`"output_tokens_details":{"reasoning_tokens":0,"tool_output_tokens":0,`+
		`"output_tokens_per_turn":[],"tool_output_tokens_per_turn":[]},"total_tokens":%d}`,
		u.Input, u.Cached, r.job.outputCount("output_tokens", u.Output), u.Input+u.Output)
}
