package answer

import (
	"fmt"
	"strings"
)

// chatChunkLine is an ordinary event: one token, with usage.
const chatChunkLine = `data: {"id":"chatcmpl-8f14e45fceea167a5a36dedd4bea2543","object":"chat.completion.chunk","created":1763800000,"model":"meta-llama/Llama-2-7b-chat-hf","choices":[{"index":0,"delta":{"content":" token"},"logprobs":null,"finish_reason":null}],"usage":{"prompt_tokens":25,"total_tokens":42,"completion_tokens":17}}` + "\n\n"

// script writes streams as vLLM does, with the options of its request.
type script struct {
	include, continuous bool
	spelled             bool // completions of servers that spell out unset members
	n, prompts, tokens  int
	model               string
}

func (w script) name() string {
	return fmt.Sprintf("n=%d prompts=%d include=%v continuous=%v spelled=%v", w.n, w.prompts, w.include, w.continuous, w.spelled)
}

// forced is the same stream as the gateway asks for it.
func (w script) forced() script {
	w.include, w.continuous, w.model = true, true, "served/name"
	return w
}

func (w script) usage(b *strings.Builder, input, output int) {
	details := ""
	if w.spelled {
		details = `,"prompt_tokens_details":null`
	}
	switch {
	case w.continuous:
		fmt.Fprintf(b, `,"usage":{"prompt_tokens":%d,"total_tokens":%d,"completion_tokens":%d%s}`, input, input+output, output, details)
	case w.spelled:
		b.WriteString(`,"usage":null`)
	}
}

func (w script) chatChunk(b *strings.Builder, index, output int, delta, finish string) {
	fmt.Fprintf(b, `data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1763800000,"model":%q,"choices":[{"index":%d,"delta":%s,"logprobs":null,"finish_reason":%s}]`,
		w.model, index, delta, finish)
	w.usage(b, 25, output)
	b.WriteString("}\n\n")
}

// chat is a stream of chat completions: the roles, then the choices in turn.
func (w script) chat() string {
	var b strings.Builder
	for i := range w.n {
		w.chatChunk(&b, i, 0, `{"role":"assistant","content":""}`, "null")
	}
	for k := 1; k <= w.tokens; k++ {
		for i := range w.n {
			finish := "null"
			if k == w.tokens {
				finish = `"stop","stop_reason":null`
			}
			w.chatChunk(&b, i, k, fmt.Sprintf(`{"content":" t\"%d,%d}"}`, i, k), finish)
		}
	}
	if w.include {
		fmt.Fprintf(&b, `data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1763800000,"model":%q,"choices":[],"usage":{"prompt_tokens":25,"total_tokens":%d,"completion_tokens":%d,"prompt_tokens_details":{"cached_tokens":16}}}`+"\n\n",
			w.model, 25+w.n*w.tokens, w.n*w.tokens)
	}
	return b.String() + "data: [DONE]\n\n"
}

// completions is a stream of completions: prompt p has 10+p tokens, and choice
// i of it is choice p*n+i.
func (w script) completions() string {
	var b strings.Builder
	input := 0
	for p := range w.prompts {
		input += 10 + p
	}
	for k := 1; k <= w.tokens; k++ {
		for p := range w.prompts {
			for i := range w.n {
				finish := "null"
				if k == w.tokens {
					finish = `"length"`
				}
				fmt.Fprintf(&b, `data: {"id":"cmpl-1","object":"text_completion","created":1763800000,"model":%q,"choices":[{"index":%d,"text":" t%d","logprobs":null,"finish_reason":%s,"stop_reason":null,"prompt_token_ids":null,"token_ids":null}]`,
					w.model, p*w.n+i, k, finish)
				w.usage(&b, 10+p, k)
				b.WriteString("}\n\n")
			}
		}
	}
	if w.include {
		output := w.n * w.prompts * w.tokens
		fmt.Fprintf(&b, `data: {"id":"cmpl-1","object":"text_completion","created":1763800000,"model":%q,"choices":[],"usage":{"prompt_tokens":%d,"total_tokens":%d,"completion_tokens":%d}}`+"\n\n",
			w.model, input, input+output, output)
	}
	return b.String() + "data: [DONE]\n\n"
}

const messagesStream = `event: message_start
data: {"type":"message_start","message":{"id":"chatcmpl-2","content":[],"model":"served/name","stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":12,"output_tokens":0}}}

event: content_block_start
data: {"type":"content_block_start","content_block":{"type":"thinking","thinking":""},"index":0}

event: content_block_delta
data: {"type":"content_block_delta","delta":{"type":"thinking_delta","thinking":"hm"},"index":0}

event: content_block_delta
data: {"type":"content_block_delta","delta":{"type":"signature_delta","signature":"00ff00ff"},"index":0}

event: content_block_stop
data: {"type":"content_block_stop","index":0}

event: ping
data: {"type":"ping"}

event: content_block_start
data: {"type":"content_block_start","content_block":{"type":"text","text":""},"index":1}

event: content_block_delta
data: {"type":"content_block_delta","delta":{"type":"text_delta","text":"Hello"},"index":1}

event: content_block_stop
data: {"type":"content_block_stop","index":1}

event: message_delta
data: {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"input_tokens":12,"output_tokens":5}}

event: message_stop
data: {"type":"message_stop"}

`

const responsesStream = `event: response.created
data: {"response":{"id":"resp_3","created_at":1763800000,"model":"served/name","object":"response","output":[],"status":"in_progress","usage":null},"sequence_number":0,"type":"response.created"}

event: response.output_item.added
data: {"item":{"id":"msg_1","content":[],"role":"assistant","status":"in_progress","type":"message"},"output_index":0,"sequence_number":1,"type":"response.output_item.added"}

event: response.output_text.delta
data: {"content_index":0,"delta":"Hello","item_id":"msg_1","logprobs":[],"output_index":0,"sequence_number":2,"type":"response.output_text.delta"}

event: response.function_call_arguments.delta
data: {"delta":"{\"a\":","item_id":"fc_1","output_index":1,"sequence_number":3,"type":"response.function_call_arguments.delta"}

event: response.output_text.done
data: {"content_index":0,"item_id":"msg_1","output_index":0,"sequence_number":4,"text":"Hello","type":"response.output_text.done"}

event: response.completed
data: {"response":{"id":"resp_3","created_at":1763800000,"model":"served/name","object":"response","output":[{"type":"message"}],"status":"completed","usage":{"input_tokens":9,"input_tokens_details":{"cached_tokens":4},"output_tokens":7,"output_tokens_details":{"reasoning_tokens":0},"total_tokens":16}},"sequence_number":5,"type":"response.completed"}

`
