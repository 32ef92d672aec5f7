package mockvllm

import (
	"fmt"

	"github.com/token-rate-limiter/token-rate-limiter/internal/wire"
)

// completionTokens is the default of max_tokens on the completions endpoint.
const completionTokens = 16

func (j *job) dialect() dialect {
	switch j.endpoint {
	case wire.ChatCompletions:
		return newChat(j)
	case wire.Completions:
		return newCompletion(j)
	case wire.Responses:
		return newResponse(j)
	}
	return newAnthropic(j)
}

// countInputs counts the tokens of each prompt of the request.
func (j *job) countInputs() ([]int64, error) {
	b := &j.body
	if j.model.printsAll {
		return j.printedInputs()
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

// countMessages counts a templated prompt: each message with its overhead, the
// system prompt, the tools, and what opens the answer.
func (j *job) countMessages(messages []message) int64 {
	var all content
	for i := range messages {
		all.add(messages[i].content())
		all.tokens += messageTokens
	}
	for _, system := range []content{j.body.System, j.body.Instructions} {
		if system != (content{}) {
			all.add(system)
			all.tokens += messageTokens
		}
	}
	o := &j.server.options
	return all.tokens + all.images*o.ImageTokens + all.audio*o.AudioTokens + countJSON(j.body.Tools) + answerTokens
}

// validate checks the parameters of a generation as vLLM does.
func (j *job) validate() error {
	b := &j.body
	generated, returned := b.sequences()
	limit, limited := b.outputCap()
	switch {
	case returned < 1 || generated > sequencesMax:
		return invalid("n", fmt.Sprintf("n must be at least 1, got %d.", returned))
	case limited && limit < 1:
		return invalid("max_tokens", fmt.Sprintf("max_tokens must be at least 1, got %d.", limit))
	case j.endpoint == wire.Messages && b.MaxTokens.value == nil:
		return invalid("max_tokens", "Field required: max_tokens")
	case b.MinTokens < 0:
		return invalid("min_tokens", fmt.Sprintf("min_tokens must be greater than or equal to 0, got %d.", b.MinTokens))
	case limited && b.MinTokens > limit:
		return invalid("min_tokens", fmt.Sprintf(
			"min_tokens must be less than or equal to max_tokens=%d, got %d.", limit, b.MinTokens))
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
		return invalid("stream_options", "Extra inputs are not permitted: stream_options.continuous_usage_stats")
	}
	return nil
}

// appendText appends the text of all of a sequence's tokens from first on.
func (j *job) appendText(dst []byte, s *sequence, first, end int64) []byte {
	for i := first; i < end; i++ {
		dst = appendPiece(dst, j.behavior, s.choice, i)
	}
	return dst
}

// choices calls f for each sequence that is a choice of the answer, in order.
func (j *job) choices(f func(s *sequence)) {
	for i := range j.sequences {
		if j.sequences[i].choice >= 0 {
			f(&j.sequences[i])
		}
	}
}
