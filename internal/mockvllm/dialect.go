package mockvllm

import (
	"github.com/go-json-experiment/json"

	"github.com/token-rate-limiter/token-rate-limiter/internal/wire"
)

// completionTokens is the default of max_tokens on the completions endpoint.
const completionTokens = 16

func (j *job) dialect() dialect {
	switch j.endpoint {
	case wire.ChatCompletions:
		object := "chat.completion"
		if j.body.Stream {
			object = "chat.completion.chunk"
		}
		return &chat{newChunks(j, "chatcmpl-", object)}
	case wire.Completions:
		return &completion{newChunks(j, "cmpl-", "text_completion")}
	case wire.Responses:
		return &response{j}
	}
	return &anthropic{job: j}
}

// countInputs counts the tokens of each prompt of the request.
func (j *job) countInputs() ([]int64, error) {
	b := &j.body
	if j.model.PrintsAll {
		return j.printedInputs(), nil
	}
	switch j.endpoint {
	case wire.Completions:
		if b.Prompt == nil {
			return nil, nil
		}
		return countPrompts(b.Prompt)
	case wire.Embeddings, wire.Pooling, wire.Classify:
		if b.Messages == nil {
			return countPrompts(b.Input)
		}
	case wire.Rerank, wire.Score:
		return j.countPairs()
	case wire.Responses:
		n, err := j.countResponseInput()
		return []int64{n}, err
	}
	if b.Messages == nil {
		return nil, invalid("messages", "Field required: messages")
	}
	return []int64{j.countMessages(b.Messages)}, nil
}

// countResponseInput counts instructions, input and tools.
func (j *job) countResponseInput() (int64, error) {
	items := make([]message, 1)
	var err error
	switch j.body.Input.Kind() {
	case '"':
		err = json.Unmarshal(j.body.Input, &items[0].Content)
	case '[':
		err = json.Unmarshal(j.body.Input, &items)
	default:
		return 0, invalid("input", "Field required: input")
	}
	if err != nil {
		return 0, invalid("input", "%v", err)
	}
	return j.countMessages(items), nil
}

// countMessages counts a templated prompt: each message with its overhead, the
// system prompt, the tools, and what opens the answer.
func (j *job) countMessages(messages []message) int64 {
	var all content
	for _, m := range messages {
		all.add(m.Content, m.Reasoning, m.Output, m.Arguments)
		all.tokens += messageTokens + countJSON(m.ToolCalls)
	}
	for _, system := range []content{j.body.System, j.body.Instructions} {
		if system != (content{}) {
			all.add(system)
			all.tokens += messageTokens
		}
	}
	all.tokens += all.images*imageTokens + all.audio*audioTokens
	return all.tokens + countJSON(j.body.Tools) + answerTokens
}

// validate checks the parameters of a generation as vLLM does.
func (j *job) validate() error {
	b := &j.body
	generated, returned := b.sequences()
	limit, limited := b.outputCap()
	switch {
	case returned < 1 || generated > sequencesMax:
		return invalid("n", "n must be at least 1, got %d.", returned)
	case limited && limit < 1:
		return invalid("max_tokens", "max_tokens must be at least 1, got %d.", limit)
	case j.endpoint == wire.Messages && b.MaxTokens.value == nil:
		return invalid("max_tokens", "Field required: max_tokens")
	case b.MinTokens < 0:
		return invalid("min_tokens",
			"min_tokens must be greater than or equal to 0, got %d.", b.MinTokens)
	case limited && b.MinTokens > limit:
		return invalid("min_tokens",
			"min_tokens must be less than or equal to max_tokens=%d, got %d.", limit, b.MinTokens)
	case b.UseBeamSearch && b.Stream && j.endpoint == wire.Completions:
		return invalid("", "Streaming is not currently supported with beam search")
	}
	return j.validateStreamOptions()
}

func (j *job) validateStreamOptions() error {
	o := j.body.StreamOptions
	if o == nil || j.endpoint != wire.ChatCompletions && j.endpoint != wire.Completions {
		return nil
	}
	switch mode := j.behavior.StreamOptions; {
	case !j.body.Stream:
		return invalid("stream_options", "Stream options can only be defined when `stream=True`.")
	case mode == RejectOptions:
		return invalid("stream_options", "Extra inputs are not permitted: stream_options")
	case mode == RejectContinuousOption && o.ContinuousUsage:
		return invalid("stream_options",
			"Extra inputs are not permitted: stream_options.continuous_usage_stats")
	}
	return nil
}

// text returns the text of tokens first to end of a sequence.
func (j *job) text(s *sequence, first, end int64) string {
	var text []byte
	for i := first; i < end; i++ {
		text = appendPiece(text, &j.behavior, s.choice, i)
	}
	return string(text)
}

// arguments returns tokens first to end of a tool call, whose arguments are the JSON
// object {"text":"…"} in all, escaped for a JSON string.
func (j *job) arguments(s *sequence, first, end int64) string {
	text := j.text(s, first, end)
	if first == 0 {
		text = `{\"text\":\"` + text
	}
	if end == s.tokens {
		text += `\"}`
	}
	return text
}

// choices returns the sequences that are a choice of the answer, in order.
func (j *job) choices() []*sequence {
	choices := make([]*sequence, 0, len(j.sequences))
	for i := range j.sequences {
		if j.sequences[i].choice >= 0 {
			choices = append(choices, &j.sequences[i])
		}
	}
	return choices
}
