package mockvllm

import (
	"fmt"
	"strconv"

	"github.com/token-rate-limiter/token-rate-limiter/internal/wire"
)

// anthropic writes answers of /v1/messages: vLLM converts its own chat stream,
// and writes events without the members that were never set.
type anthropic struct {
	job   *job
	block int    // index of the open content block
	kind  string // type of the open content block, "" for none
}

// message returns the message with some content; stop is why it ends, as JSON.
func (a *anthropic) message(content, stop string, output int64) string {
	return fmt.Sprintf(`{"id":%s,"type":"message","role":"assistant","content":[%s],"model":%s,`+
		`"stop_reason":%s%s}`,
		quote("chatcmpl-"+a.job.id), content, a.job.model.quoted, stop, a.usage(output))
}

// usage returns Anthropic's usage member. vLLM tells no cached tokens
// here; where the behaviour asks for some, they are told as Anthropic does:
// beside input_tokens and not within.
func (a *anthropic) usage(output int64) string {
	u := a.job.total()
	u.Output = output
	return a.job.usageMember(u, func(u wire.Usage) string {
		cached := ""
		if u.Cached > 0 {
			cached = fmt.Sprintf(`,"cache_read_input_tokens":%d`, u.Cached)
		}
		return fmt.Sprintf(`,"usage":{"input_tokens":%d%s%s}`,
			u.Input-u.Cached, a.job.outputCount("output_tokens", u.Output), cached)
	})
}

func (a *anthropic) open(out *eventStream) {
	a.job.tell(token{sequence: &a.job.sequences[0], index: -1})
	message := a.message("", `null,"stop_sequence":null`, 0)
	out.send("message_start", `{"type":"message_start","message":`+message+"}")
	if a.job.behavior.Ping {
		out.send("ping", `{"type":"ping"}`)
	}
}

func (a *anthropic) token(out *eventStream, t token) {
	if t.index < 0 {
		return
	}
	kind, delta, text := "text", `"text_delta","text"`, a.job.text(t.sequence, t.index, t.index+1)
	switch {
	case a.job.behavior.ToolCall:
		kind, delta = "tool_use", `"input_json_delta","partial_json"`
		text = a.job.arguments(t.sequence, t.index, t.index+1)
	case t.index < a.job.behavior.ReasoningTokens:
		kind, delta = "thinking", `"thinking_delta","thinking"`
	}
	if a.kind != kind {
		a.turn(out, kind)
	}
	a.send(out, "content_block_delta", `"delta":{"type":`+delta+`:"`+text+`"}`)
}

// turn closes the open block and opens one of another kind, "" for none.
func (a *anthropic) turn(out *eventStream, kind string) {
	if a.kind != "" {
		const stop = `{"type":"content_block_stop","index":%d}`
		out.send("content_block_stop", fmt.Sprintf(stop, a.block))
		a.block++
	}
	a.kind = kind
	if kind != "" {
		a.send(out, "content_block_start", `"content_block":`+a.content(kind, ""))
	}
}

// send sends an event of the open block, with a member.
func (a *anthropic) send(out *eventStream, name, member string) {
	out.send(name, `{"type":"`+name+`",`+member+`,"index":`+strconv.Itoa(a.block)+"}")
}

// content returns a content block; text goes into it without escapes.
func (a *anthropic) content(kind, text string) string {
	if kind != "tool_use" {
		return fmt.Sprintf(`{"type":"%s","%[1]s":"%s"}`, kind, text)
	}
	return fmt.Sprintf(`{"type":"tool_use","id":%s,"name":%s,"input":{%s}}`,
		quote("chatcmpl-tool-"+a.job.id), quote(a.job.body.toolName()), text)
}

func (a *anthropic) stopReason() string {
	switch {
	case a.job.sequences[0].finish == "length":
		return `"max_tokens"`
	case a.job.behavior.ToolCall:
		return `"tool_use"`
	}
	return `"end_turn"`
}

func (a *anthropic) end(out *eventStream) {
	a.turn(out, "")
	if out.err == nil {
		a.job.tellFinal()
	}
	out.send("message_delta", `{"type":"message_delta","delta":{"stop_reason":`+a.stopReason()+"}"+
		a.usage(a.job.total().Output)+"}")
	out.end(event{"message_stop", `{"type":"message_stop"}`}, event{"content_block_delta",
		`{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"beyond "}}`})
}

func (a *anthropic) answer() []byte {
	j, s := a.job, &a.job.sequences[0]
	reasoned := min(j.behavior.ReasoningTokens, s.tokens)
	content := a.content("text", j.text(s, reasoned, s.tokens))
	switch {
	case j.behavior.ToolCall:
		content = a.content("tool_use", `"text":"`+j.text(s, 0, s.tokens)+`"`)
	case reasoned > 0:
		content = a.content("thinking", j.text(s, 0, reasoned)) + "," + content
	}
	return []byte(a.message(content, a.stopReason(), s.tokens))
}
